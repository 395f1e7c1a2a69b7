// What `npm start` prints when everything answers.

export interface Places {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly backendUrl: string
  readonly logFiles: readonly string[]
}

export function welcome({ gatewayUrl, adminUrl, backendUrl, logFiles }: Places): string {
  return `
Tollgate is up, with a sample backend behind it.

  Page      ${gatewayUrl}/   (alice / wonderland, bob / builder)
  Metrics   ${adminUrl}/metrics
  Backend   ${backendUrl}/   (behind the gateway; a service of yours would be private)
  Logs      ${logFiles.join('  ')}

Log in, then call the API through the gateway:

  TOKEN=$(curl -s ${gatewayUrl}/login -d username=alice -d password=wonderland | sed -E 's/.*"access_token":"([^"]+)".*/\\1/')
  curl -s ${gatewayUrl}/api/things -H "Authorization: Bearer $TOKEN"

Ctrl-C stops both.

`
}
