// Checks that a URL for keys or tokens is safe from eavesdropping and tampering on the network.

/** `hostname` as in URL: an IPv6 address is in brackets. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** True for https, for http to a loopback address, and for any http when `allowHttp` declares the network trusted. */
export function isConfidential({ protocol, hostname }: URL, allowHttp: boolean): boolean {
  return protocol === 'https:' || (protocol === 'http:' && (allowHttp || isLoopback(hostname)))
}
