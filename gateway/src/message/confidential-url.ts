// Which addresses may be asked for keys and tokens: nobody on the way can read or replace what is answered.

/** A host name as URL has it: an IPv6 address in brackets. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** https, or http that stays on this machine, or any http where `allowHttp` says that the network is trusted. */
export function isConfidential({ protocol, hostname }: URL, allowHttp: boolean): boolean {
  return protocol === 'https:' || (protocol === 'http:' && (allowHttp || isLoopback(hostname)))
}
