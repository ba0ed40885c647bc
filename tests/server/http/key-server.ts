/** Whoever signs tokens: a small HTTP server with a JWKS, and keys that sign by hand, without the library under test. */

import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { base64url } from '../../contract/rest/rest-client.ts'

export type KeyAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

export interface SigningKey {
  readonly kid: string
  readonly alg: KeyAlgorithm
  /** As it stands in a JWKS. */
  readonly jwk: JsonWebKey
  /** The public key as text, as everybody has it. */
  readonly pem: string
  /** A token; `header` in place of `alg` and `kid`. */
  token(claims: object, header?: object): string
}

export function createKey(kid: string, alg: KeyAlgorithm = 'ES256', modulusLength = 2048): SigningKey {
  const { privateKey, publicKey } = keyPair(alg, modulusLength)
  return {
    kid,
    alg,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    token: (claims, header = { alg, kid }) => {
      const signed = `${base64url(header)}.${base64url(claims)}`
      return `${signed}.${signature(alg, privateKey, Buffer.from(signed)).toString('base64url')}`
    },
  }
}

/** HS256 with these very bytes as the key. */
export function hmacToken(key: string | Buffer, kid: string, claims: object): string {
  const signed = `${base64url({ alg: 'HS256', kid })}.${base64url(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

function keyPair(alg: KeyAlgorithm, modulusLength: number): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return generateKeyPairSync('rsa', { modulusLength })
}

function signature(alg: KeyAlgorithm, key: KeyObject, bytes: Buffer): Buffer {
  if (alg === 'EdDSA') return sign(null, bytes, key)
  if (alg === 'ES256') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
  // 6: RSA_PKCS1_PSS_PADDING.
  return sign('sha256', bytes, alg === 'PS256' ? { key, padding: 6, saltLength: 32 } : key)
}

export class KeyServer {
  /** What it answers; the set of `keys` when undefined. */
  respond: ((response: ServerResponse) => void) | undefined
  /** Requests so far. */
  hits = 0
  readonly url: URL
  readonly #server: Server
  readonly #waiting = new Set<() => void>()

  static async start(keys: SigningKey[]): Promise<KeyServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new KeyServer(server, keys)
  }

  private constructor(server: Server, keys: SigningKey[]) {
    const { port } = server.address() as AddressInfo
    this.url = new URL(`http://127.0.0.1:${port}/keys`)
    this.#server = server
    this.set(keys)
    server.on('request', (_request, response) => {
      this.hits++
      const answer = this.respond
      if (answer === undefined) response.end(this.#json)
      else answer(response)
      for (const look of this.#waiting) look()
    })
  }

  #json = ''

  set(keys: readonly SigningKey[]): void {
    this.#json = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
  }

  /** Resolves when it was asked that often. */
  async asked(hits: number): Promise<void> {
    while (this.hits < hits) {
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
  }

  /** Nobody listens there any more. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
