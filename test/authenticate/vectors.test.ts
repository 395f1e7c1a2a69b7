// The examples of the standards, with their keys and bytes: RFC 7515 appendix A.1 to A.3, RFC 7519 section 3.1, RFC 8037 appendix A.
import t from 'tap'

import { keySetFromJwks, type KeyPolicy } from '../../gateway/src/authenticate/key-set.ts'
import { ALGORITHMS } from '../../gateway/src/authenticate/options.ts'
import { createTokenReader } from '../../gateway/src/authenticate/token-shape.ts'
import { Failure } from '../../gateway/src/failure.ts'

const policy: KeyPolicy = { algorithms: ALGORITHMS, weakKeys: 'refuse', allowSecrets: true }
const PAYLOAD = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'

const vectors = [
  {
    title: 'RFC 7515 A.1 and RFC 7519 3.1: HS256',
    jwk: { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' },
    token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  },
  {
    title: 'RFC 7515 A.2: RS256',
    jwk: {
      kty: 'RSA',
      n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
      e: 'AQAB',
    },
    token: `eyJhbGciOiJSUzI1NiJ9.${PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  },
  {
    title: 'RFC 7515 A.3: ES256',
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
    token: `eyJhbGciOiJFUzI1NiJ9.${PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  },
]

for (const { title, jwk, token } of vectors) {
  t.test(title, async (t) => {
    const [key] = keySetFromJwks({ keys: [jwk] }, policy).keys.filter(({ algorithm }) => title.endsWith(algorithm))
    t.equal(key?.isSignedBy(token), true)

    t.equal(key?.isSignedBy(token.replace(PAYLOAD, PAYLOAD.replace('A', 'B'))), false)
    const read = createTokenReader(8192)(token)
    t.notOk(read instanceof Failure)
    if (read instanceof Failure) return
    t.same(read.claims, { iss: 'joe', exp: 1_300_819_380, 'http://example.com/is_root': true })
  })
}

t.test(
  'RFC 8037 A.2: the Ed25519 key is read; A.4 signs a text that is no JWT, which is refused as such',
  async (t) => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo' }
    t.same(
      keySetFromJwks({ keys: [{ ...jwk, x: `${jwk.x}o` }] }, policy).keys.map(({ algorithm }) => algorithm),
      ['EdDSA'],
    )
    const token =
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
    t.match(createTokenReader(8192)(token), { code: 'token_malformed', detail: 'its payload is not a JSON object' })
  },
)
