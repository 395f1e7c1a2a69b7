// What `npm start` prints when everything answers.

export interface Places {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly backendUrl: string
  readonly logFiles: readonly string[]
  /** The admin token that was made for this start; undefined where the environment has one. */
  readonly adminToken: string | undefined
}

/** A token of the environment is known to whoever set it, and is not shown. */
function exportOf(adminToken: string | undefined): string {
  return adminToken === undefined ? '' : `  export TOLLGATE_ADMIN_TOKEN=${adminToken}\n`
}

export function welcome({ gatewayUrl, adminUrl, backendUrl, logFiles, adminToken }: Places): string {
  return `
Tollgate is up, with a sample backend behind it.

  Page      ${gatewayUrl}/   (alice / wonderland, bob / builder)
  Metrics   ${adminUrl}/metrics
  Backend   ${backendUrl}/   (behind the gateway; a service of yours would be private)
  Logs      ${logFiles.join('  ')}

Log in, then call the API through the gateway:

  TOKEN=$(curl -s ${gatewayUrl}/login -d username=alice -d password=wonderland | sed -E 's/.*"access_token":"([^"]+)".*/\\1/')
  curl -s ${gatewayUrl}/api/things -H "Authorization: Bearer $TOKEN"

Block the token, and call again: 401, token_revoked.

${exportOf(adminToken)}  npx tollgate revoke "$TOKEN"

Ctrl-C stops both.

`
}
