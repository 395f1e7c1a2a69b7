// What the key files of issuers hold, so that a change of a file is a change of its issuer.
import type { Config } from '../../options/config.ts'
import { MAX_FILE_BYTES, readRegularFile } from '../../options/files/read-file.ts'

type IssuerConfig = Config['issuers'][number]

/** What is read once. What a fetch of keys sends is read with each fetch. */
function filesOf({ keys: { jwksFile, pemFile }, renewal }: IssuerConfig): readonly string[] {
  const { signingKey, verificationKeys = [] } = renewal ?? {}
  const ofRenewal = [signingKey, ...verificationKeys].map((key) => key?.pemFile)
  return [jwksFile, pemFile, ...ofRenewal].filter((file) => file !== undefined)
}

/** Of a file that cannot be read there is nothing to tell: whoever needs it says so. */
function textOf(file: string): string | undefined {
  try {
    return readRegularFile(file, MAX_FILE_BYTES).toString('latin1')
  } catch {
    return undefined
  }
}

/** The texts of the files of these issuers. */
export function issuerFiles(issuers: readonly IssuerConfig[]): readonly (string | undefined)[] {
  return issuers.flatMap(filesOf).map(textOf)
}

/** The texts of the files of keys. */
export function filesOfKeys(keys: readonly { readonly pemFile: string }[]): readonly (string | undefined)[] {
  return keys.map(({ pemFile }) => textOf(pemFile))
}
