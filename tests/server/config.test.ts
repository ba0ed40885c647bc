import { resolve } from 'node:path'

import { describe, expect, test } from 'vitest'

import { type Config, helpText, isLoopback, readConfig } from '../../server/config.ts'

const secret = 'x'.repeat(32)

function configOf(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Config {
  const result = readConfig(argv, env)
  if (result.kind !== 'config') throw new Error(JSON.stringify(result))
  return result.config
}

function problemsOf(argv: readonly string[], env: Readonly<Record<string, string>> = {}): readonly string[] {
  const result = readConfig(argv, env)
  return result.kind === 'invalid' ? result.problems : []
}

describe('readConfig', () => {
  test('[CONF1] without anything it is demo mode on this machine', () => {
    expect(configOf([])).toEqual({
      port: 8787,
      host: '127.0.0.1',
      dataDir: resolve('./data'),
      logLevel: 'info',
      auth: { kind: 'demo' },
      origins: [],
    })
  })

  test('[CONF1] flags win over the environment', () => {
    const env = { PARLEY_PORT: '1', PARLEY_HOST: '127.0.0.2', PARLEY_DATA: '/env', PARLEY_LOG_LEVEL: 'error' }
    expect(configOf([], env)).toMatchObject({ port: 1, host: '127.0.0.2', dataDir: '/env', logLevel: 'error' })
    const argv = ['--port', '0', '--host=localhost', '--data', '/flag', '--log-level', 'debug']
    expect(configOf(argv, env)).toMatchObject({ port: 0, host: 'localhost', dataDir: '/flag', logLevel: 'debug' })
  })

  test('[CONF1] a secret allows any address, and issuer and audience', () => {
    const env = { PARLEY_JWT_SECRET: secret, PARLEY_JWT_ISSUER: 'me', PARLEY_JWT_AUDIENCE: 'parley' }
    const { auth, host } = configOf(['--host', '0.0.0.0'], env)
    expect(host).toBe('0.0.0.0')
    expect(auth).toEqual({ kind: 'secret', secret: new TextEncoder().encode(secret), issuer: 'me', audience: 'parley' })
    expect(configOf([], { PARLEY_JWT_SECRET: 'ä'.repeat(16) }).auth.kind).toBe('secret')
  })

  test.each([
    'https://issuer.example/.well-known/jwks.json',
    'https://issuer.example:8443/keys?tenant=7',
    'http://localhost:8080/keys',
    'http://127.0.0.1/keys',
    'http://[::1]:1/keys',
  ])('[CONF1][AUTH4] a JWKS at %s stands in the place of a secret', (url) => {
    const env = { PARLEY_JWKS_URL: url, PARLEY_JWT_ISSUER: 'me', PARLEY_JWT_AUDIENCE: 'parley' }
    const { auth, host } = configOf(['--host', '0.0.0.0'], env)
    expect(host).toBe('0.0.0.0')
    expect(auth).toEqual({ kind: 'jwks', url: new URL(url), issuer: 'me', audience: 'parley' })
  })

  test.each([
    'http://issuer.example/keys',
    'http://localhost.evil.example/keys',
    'http://192.168.1.1/keys',
    'https://user:hunter2@issuer.example/keys',
    'https://hunter2@issuer.example/keys',
    'file:///etc/keys.json',
    'issuer.example/keys',
    '/keys',
  ])('[CONF1][AUTH4] a JWKS at %s is a problem, the only one, and not repeated', (url) => {
    expect(problemsOf(['--host', '0.0.0.0'], { PARLEY_JWKS_URL: url, PARLEY_JWT_ISSUER: 'me' })).toEqual([
      'PARLEY_JWKS_URL: it has to be an https:// URL, or http:// on this machine, without user and password.',
    ])
  })

  test('[CONF1][AUTH4] secret and JWKS together are a problem, among the others', () => {
    const env = { PARLEY_JWT_SECRET: 'short', PARLEY_JWKS_URL: 'http://issuer.example', PARLEY_PORT: 'x' }
    expect(problemsOf([], env)).toEqual([
      'PARLEY_PORT "x": a port is a number from 0 to 65535.',
      'PARLEY_JWT_SECRET: it has 5 bytes, but at least 32 are needed.',
      'PARLEY_JWKS_URL: it has to be an https:// URL, or http:// on this machine, without user and password.',
      'PARLEY_JWT_SECRET and PARLEY_JWKS_URL: set one of them, not both.',
    ])
    const good = { PARLEY_JWT_SECRET: secret, PARLEY_JWKS_URL: 'https://issuer.example/keys' }
    expect(problemsOf([], good)).toEqual(['PARLEY_JWT_SECRET and PARLEY_JWKS_URL: set one of them, not both.'])
  })

  test('[CONF1] an empty variable counts as unset', () => {
    const env = { PARLEY_PORT: '', PARLEY_JWT_SECRET: '', PARLEY_ORIGINS: '', PARLEY_JWT_ISSUER: '' }
    expect(configOf([], env)).toEqual(configOf([]))
  })

  test('[CONF1] origins are read as browsers write them', () => {
    const origins = 'https://Chat.Example.org, http://localhost:5173/,, https://a.example:443'
    expect(configOf([], { PARLEY_ORIGINS: origins }).origins).toEqual([
      'https://chat.example.org',
      'http://localhost:5173',
      'https://a.example',
    ])
  })

  test('[CONF1] everything that is wrong is told at once', () => {
    const argv = ['--port', '70000', '--log-level=loud', '--verbose', '-v', 'serve', '--data']
    const env = {
      PARLEY_HOST: 'not a host',
      PARLEY_JWT_SECRET: 'short',
      PARLEY_ORIGINS: '*,https://ok.example,ftp://a',
    }
    expect(problemsOf(argv, env)).toEqual([
      '--verbose: no such option; see --help.',
      '-v: no such option; see --help.',
      '"serve": not expected here; see --help.',
      '--data: its value is missing.',
      '--port "70000": a port is a number from 0 to 65535.',
      'PARLEY_HOST "not a host": not an address or host name.',
      '--log-level "loud": a log level is one of fatal, error, warn, info, debug, trace, silent.',
      'PARLEY_JWT_SECRET: it has 5 bytes, but at least 32 are needed.',
      'PARLEY_ORIGINS "*": an origin is http:// or https://, a host and perhaps a port, nothing more.',
      'PARLEY_ORIGINS "ftp://a": an origin is http:// or https://, a host and perhaps a port, nothing more.',
    ])
  })

  test.each(['x', '-1', '1.5', '1e3', '65536', '999999', ' 80', '0x50'])('[CONF1] port "%s" is a problem', (port) => {
    expect(problemsOf([`--port=${port}`])).toHaveLength(1)
    expect(problemsOf([], { PARLEY_PORT: port })).toEqual([expect.stringContaining(`PARLEY_PORT "${port}"`)])
  })

  test.each(['https://a.example/path', 'https://a.example?x', 'a.example', 'null', 'https://u:p@a.example'])(
    '[CONF1] origin "%s" is a problem',
    (origin) => {
      expect(problemsOf([], { PARLEY_ORIGINS: origin })).toHaveLength(1)
    },
  )

  test('[CONF1] a secret is not repeated in the problem', () => {
    expect(problemsOf([], { PARLEY_JWT_SECRET: 'hunter2' }).join()).not.toContain('hunter2')
  })

  test('[CONF1] issuer and audience without a secret are problems', () => {
    expect(problemsOf([], { PARLEY_JWT_ISSUER: 'me', PARLEY_JWT_AUDIENCE: 'you' })).toEqual([
      'PARLEY_JWT_ISSUER: has no effect without PARLEY_JWT_SECRET or PARLEY_JWKS_URL.',
      'PARLEY_JWT_AUDIENCE: has no effect without PARLEY_JWT_SECRET or PARLEY_JWKS_URL.',
    ])
  })

  test.each(['0.0.0.0', '::', '192.168.1.10', 'chat.example.org', '127.0.0.1.example', '128.0.0.1'])(
    '[AUTH3] demo mode on %s is refused, and says what to set',
    (host) => {
      expect(problemsOf(['--host', host])).toEqual([expect.stringMatching(/needs PARLEY_JWT_SECRET .*demo mode/)])
    },
  )

  test.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST'])(
    '[AUTH3] demo mode on %s starts',
    (host) => {
      expect(configOf(['--host', host]).auth.kind).toBe('demo')
    },
  )

  test('[CONF1] --help is help, whatever else is there', () => {
    expect(readConfig(['--port', 'x', '--help'], {})).toEqual({ kind: 'help', text: helpText })
    for (const name of [
      '--port',
      '--host',
      '--data',
      '--log-level',
      'PARLEY_JWT_SECRET',
      'PARLEY_JWKS_URL',
      'PARLEY_ORIGINS',
    ]) {
      expect(helpText).toContain(name)
    }
  })
})

test('[AUTH3] only addresses of this machine are loopback', () => {
  expect(['127.0.0.1', '127.255.255.255', '::1', 'localhost'].every(isLoopback)).toBe(true)
  expect(['', '127.1', '127.0.0.1:80', '0.0.0.0', '::', '::ffff:127.0.0.1', 'localhost.evil'].some(isLoopback)).toBe(
    false,
  )
})
