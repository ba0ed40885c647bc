/**
 * Configuration: what flags and environment say, checked as a whole, so that every mistake is told at once (CONF1).
 * Reads neither `process.argv` nor `process.env`, opens nothing.
 */

import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type LogLevel, logLevels, parseLogLevel } from './log.ts'

/**
 * `jwks` has the public keys of whoever signs. `demo` has none: the server makes its own key and gives tokens to whoever
 * asks, on this machine only.
 */
export type AuthConfig =
  | {
      readonly kind: 'secret'
      readonly secret: Uint8Array
      readonly issuer: string | undefined
      readonly audience: string | undefined
    }
  | {
      readonly kind: 'jwks'
      readonly url: URL
      readonly issuer: string | undefined
      readonly audience: string | undefined
    }
  | { readonly kind: 'demo' }

export interface Config {
  /** 0 picks a free one. */
  readonly port: number
  readonly host: string
  /** Absolute path of the data folder. */
  readonly dataDir: string
  readonly logLevel: LogLevel
  readonly auth: AuthConfig
  /** Origins of other sites' pages that may use this server, as browsers write them. */
  readonly origins: readonly string[]
}

export type ReadConfig =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }

/** HS256 is as strong as its key: shorter than the hash is weaker than the hash (RFC 7518, 3.2). */
const minSecretBytes = 32

export const helpText = `Usage: parley [options]

  --port <number>      port to listen on; 0 picks a free one (PARLEY_PORT, 8787)
  --host <address>     address to listen on (PARLEY_HOST, 127.0.0.1)
  --data <folder>      where everything is kept (PARLEY_DATA, ./data)
  --log-level <level>  ${logLevels.join(', ')} (PARLEY_LOG_LEVEL, info)
  --help               this text

Only in the environment:
  PARLEY_JWT_SECRET    HS256 key of the tokens, at least ${minSecretBytes} bytes
  PARLEY_JWKS_URL      in its place: where the public keys of the tokens are (RS, PS, ES, EdDSA), as JWKS over https
                       (with neither: demo mode, on this machine only)
  PARLEY_JWT_ISSUER    required "iss" of the tokens
  PARLEY_JWT_AUDIENCE  required "aud" of the tokens
  PARLEY_ORIGINS       other sites' origins that may use this server, separated by commas

Other commands, for the data of a stopped server: parley verify, parley restore (parley help <command>)
`

/** Reads arguments (without node and script) and environment; flags win. An empty variable counts as unset. */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): ReadConfig {
  const problems: string[] = []
  const flags = readFlags(argv, problems)
  if (flags.has('help')) return { kind: 'help', text: helpText }
  const setting = (flag: string, variable: string): Setting | undefined => {
    const value = flags.get(flag)
    if (value !== undefined) return { name: `--${flag}`, value }
    return variableOf(env, variable)
  }
  const port = readPort(setting('port', 'PARLEY_PORT'), problems)
  const host = readHost(setting('host', 'PARLEY_HOST'), problems)
  const config: Config = {
    port,
    host,
    dataDir: resolve(setting('data', 'PARLEY_DATA')?.value ?? './data'),
    logLevel: readLogLevel(setting('log-level', 'PARLEY_LOG_LEVEL'), problems),
    auth: readAuth(env, host, problems),
    origins: readOrigins(variableOf(env, 'PARLEY_ORIGINS'), problems),
  }
  return problems.length === 0 ? { kind: 'config', config } : { kind: 'invalid', problems }
}

/** Whether a host name or address, without port, can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

interface Setting {
  /** As the user wrote it. */
  readonly name: string
  readonly value: string
}

function variableOf(env: Readonly<Record<string, string | undefined>>, name: string): Setting | undefined {
  const value = env[name]
  return value === undefined || value === '' ? undefined : { name, value }
}

const flagNames = ['port', 'host', 'data', 'log-level']

function readFlags(argv: readonly string[], problems: string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  const options = { ...Object.fromEntries(flagNames.map((name) => [name, { type: 'string' as const }])) }
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`"${token.value}": not expected here; see --help.`)
    if (token.kind !== 'option') continue
    if (token.name === 'help') flags.set('help', '')
    else if (!flagNames.includes(token.name)) problems.push(`${token.rawName}: no such option; see --help.`)
    else if (token.value === undefined || token.value === '') problems.push(`${token.rawName}: its value is missing.`)
    else flags.set(token.name, token.value)
  }
  return flags
}

function readPort(setting: Setting | undefined, problems: string[]): number {
  if (setting === undefined) return 8787
  const port = /^[0-9]{1,5}$/.test(setting.value) ? Number(setting.value) : undefined
  if (port === undefined || port > 65_535) problems.push(`${quoted(setting)}: a port is a number from 0 to 65535.`)
  return port ?? 0
}

function readHost(setting: Setting | undefined, problems: string[]): string {
  if (setting === undefined) return '127.0.0.1'
  const host = setting.value.replace(/^\[(.*)\]$/, '$1')
  const isName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)
  if (isIP(host) === 0 && !isName) problems.push(`${quoted(setting)}: not an address or host name.`)
  return host
}

function readLogLevel(setting: Setting | undefined, problems: string[]): LogLevel {
  if (setting === undefined) return 'info'
  const level = parseLogLevel(setting.value)
  if (level === undefined) problems.push(`${quoted(setting)}: a log level is one of ${logLevels.join(', ')}.`)
  return level ?? 'info'
}

function readAuth(env: Readonly<Record<string, string | undefined>>, host: string, problems: string[]): AuthConfig {
  const secretText = variableOf(env, 'PARLEY_JWT_SECRET')
  const jwks = variableOf(env, 'PARLEY_JWKS_URL')
  const issuer = variableOf(env, 'PARLEY_JWT_ISSUER')
  const audience = variableOf(env, 'PARLEY_JWT_AUDIENCE')
  const claims = { issuer: issuer?.value, audience: audience?.value }
  const secret = secretText === undefined ? undefined : readSecret(secretText, problems)
  const url = jwks === undefined ? undefined : readJwksUrl(jwks, problems)
  if (secret !== undefined && jwks !== undefined) {
    problems.push('PARLEY_JWT_SECRET and PARLEY_JWKS_URL: set one of them, not both.')
  }
  if (secret !== undefined) return { kind: 'secret', secret, ...claims }
  if (url !== undefined) return { kind: 'jwks', url, ...claims }
  // One that is no good is a problem already.
  if (jwks === undefined) checkDemo(host, [issuer, audience], problems)
  return { kind: 'demo' }
}

function checkDemo(host: string, unused: readonly (Setting | undefined)[], problems: string[]): void {
  for (const setting of unused) {
    if (setting === undefined) continue
    problems.push(`${setting.name}: has no effect without PARLEY_JWT_SECRET or PARLEY_JWKS_URL.`)
  }
  if (isLoopback(host)) return
  problems.push(
    `Listening on ${host} needs PARLEY_JWT_SECRET (at least ${minSecretBytes} bytes) or PARLEY_JWKS_URL: ` +
      'without one the server runs in demo mode, where anybody may be anybody, and that only on 127.0.0.1, ::1 or localhost.',
  )
}

function readSecret({ name, value }: Setting, problems: string[]): Uint8Array {
  const secret = new TextEncoder().encode(value)
  if (secret.length < minSecretBytes) {
    problems.push(`${name}: it has ${secret.length} bytes, but at least ${minSecretBytes} are needed.`)
  }
  return secret
}

/** Whoever can change what is answered there can be anybody, so it comes over TLS or from this machine. */
function readJwksUrl({ name, value }: Setting, problems: string[]): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const isPrivate = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(hostOf(url)))
  if (url !== undefined && isPrivate && url.username === '' && url.password === '') return url
  // Without the value: there may be a password in it.
  problems.push(`${name}: it has to be an https:// URL, or http:// on this machine, without user and password.`)
  return undefined
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

function readOrigins(setting: Setting | undefined, problems: string[]): readonly string[] {
  const texts = (setting?.value ?? '').split(',').map((text) => text.trim())
  return texts
    .filter((text) => text !== '')
    .flatMap((text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined
      if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return [url.origin]
      problems.push(
        `PARLEY_ORIGINS "${text}": an origin is http:// or https://, a host and perhaps a port, nothing more.`,
      )
      return []
    })
}

function quoted({ name, value }: Setting): string {
  return `${name} "${value}"`
}
