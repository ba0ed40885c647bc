import { describe, expect, test } from 'vitest'

import { createLog } from '../../../server/http/create-log.ts'
import { describeError } from '../../../server/log.ts'
import { People, seenMessage } from '../../contract/rest/people.ts'
import { partialConversations, startFakeServer } from './fake-server.ts'

class Lines {
  readonly all: string[] = []

  write(line: string): void {
    this.all.push(line)
  }

  get text(): string {
    return this.all.join('')
  }

  get parsed(): readonly Record<string, unknown>[] {
    return this.all.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}

describe('the log', () => {
  test('[CONF2] a request is a line of method, route, status and time, at every level without what it carried', async () => {
    const lines = new Lines()
    const server = await startFakeServer({ logLevel: 'trace', logStream: lines })
    const people = new People(server)
    const ann = people.person('ann')
    const path = await ann.creates()
    const posted = seenMessage(await ann.post(path, 'marker-content', {}, { 'idempotency-key': 'marker-key' }))
    await ann.call('POST', `${path}/messages`, { raw: '{"content":"marker-malformed' })
    await ann.call('GET', `${path}/messages?ticket=marker-query`)
    await people.call('GET', '/sync/x?ticket=marker-ticket')
    await people.call('GET', '/api/conversations', { token: 'marker-garbage' })
    const ticket = await ann.call('POST', '/api/tickets')
    await server.close()

    expect(lines.parsed).toContainEqual(
      expect.objectContaining({
        msg: 'answered',
        req: { method: 'POST', route: '/api/conversations/:id/messages' },
        res: { status: 201 },
        ms: expect.any(Number),
      }),
    )
    const { ticket: secret } = ticket.body as { ticket: string }
    for (const hidden of ['marker', ann.token, ann.token.split('.')[2] ?? '', secret, posted.id]) {
      expect(lines.text).not.toContain(hidden)
    }
    // Or the lines would prove nothing.
    expect(lines.all.length).toBeGreaterThan(7)
  })

  test('[CONF2] our own bug is logged with its stack, once, and not the body it choked on', async () => {
    const lines = new Lines()
    const conversations = partialConversations({
      post: async () => {
        throw new TypeError('it is undefined', { cause: new RangeError('too far') })
      },
    })
    const server = await startFakeServer({ deps: { conversations }, logStream: lines, logLevel: 'warn' })
    const ann = new People(server).person('ann')
    expect((await ann.post(await ann.creates(), 'marker-content')).status).toBe(500)
    await server.close()
    expect(lines.parsed).toHaveLength(1)
    expect(lines.parsed[0]).toMatchObject({
      err: {
        type: 'TypeError',
        message: 'it is undefined',
        stack: expect.stringContaining('log.test.ts'),
        cause: { type: 'RangeError', message: 'too far' },
      },
    })
    expect(lines.text).not.toContain('marker')
  })

  test('[CONF2] a parser that quotes what it read is not quoted', () => {
    const parse = (text: string): unknown => {
      try {
        return JSON.parse(text)
      } catch (error) {
        return error
      }
    }
    const error = parse('marker')
    expect(String(error)).toContain('mark')
    const facts = describeError(new Error('outer', { cause: error }))
    expect(JSON.stringify(facts)).not.toContain('mark')
    expect(facts).toMatchObject({ message: 'outer', cause: { type: 'SyntaxError' } })
    expect(describeError('marker')).toEqual({ type: 'string', message: '', stack: '' })
  })

  test('[CONF2] fields with the names of secrets are blotted out wherever somebody logs them', () => {
    const lines = new Lines()
    const log = createLog('info', lines)
    log.info({ token: 'marker', message: { content: 'marker' }, headers: { authorization: 'marker' } }, 'careless')
    log.info({ req: { method: 'GET', url: '/?ticket=marker', routeOptions: { url: '/' } } }, 'careless')
    log.debug({ ok: true }, 'below the level')
    expect(lines.all).toHaveLength(2)
    expect(lines.text).not.toContain('marker')
    expect(lines.parsed[0]).toMatchObject({ token: '[redacted]', msg: 'careless', level: 30 })
  })
})
