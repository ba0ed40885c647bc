// Requests over a few kept connections: so many at a time, or so many a second whatever the server does (latency counts
// from the moment a request was due).
import { Agent, request } from 'node:http'

import { latencies, type Latencies } from '../figure.ts'

export interface RestCall {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly body?: string
  /** The status that is right. */
  readonly status: number
}

export interface RestOptions {
  readonly port: number
}

/** The calls are made in turn, from the first on. */
export interface RestStep {
  readonly calls: readonly RestCall[]
  readonly requests: number
  readonly pace:
    | { readonly kind: 'closed'; readonly inFlight: number }
    | { readonly kind: 'open'; readonly perSecond: number }
}

export interface RestResult {
  readonly seconds: number
  readonly latency: Latencies
  /** How late requests were made; open loop only. */
  readonly slip: Latencies
  readonly generatorLoad: number
}

export async function startRest({ port }: RestOptions): Promise<RestLoad> {
  return new RestLoad(port)
}

class RestLoad {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true, noDelay: true })

  constructor(port: number) {
    this.#port = port
  }

  async run({ calls, requests, pace }: RestStep): Promise<RestResult> {
    const spent: number[] = []
    const slips: number[] = []
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    let next = 0
    const callNext = async (due: number): Promise<void> => {
      const call = calls[next++ % calls.length]
      if (call === undefined) throw new Error('no calls')
      await this.#call(call)
      spent.push(performance.now() - due)
    }
    if (pace.kind === 'closed') {
      const loop = async (): Promise<void> => {
        while (next < requests) await callNext(performance.now())
      }
      await Promise.all(Array.from({ length: pace.inFlight }, loop))
    } else {
      const made: Promise<void>[] = []
      while (next < requests) {
        const due = start + (next * 1000) / pace.perSecond
        const late = performance.now() - due
        if (late < 0) await new Promise((resolve) => setTimeout(resolve, 1))
        else {
          slips.push(late)
          made.push(callNext(due))
        }
      }
      await Promise.all(made)
    }
    const wallMs = performance.now() - start
    const cpu = process.cpuUsage(cpuBefore)
    return {
      seconds: wallMs / 1000,
      latency: latencies(spent),
      slip: latencies(slips),
      generatorLoad: (cpu.user + cpu.system) / 1000 / wallMs,
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy()
  }

  #call({ method, path, token, body, status }: RestCall): Promise<void> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    return new Promise((resolve, reject) => {
      const sent = request(
        { port: this.#port, host: '127.0.0.1', agent: this.#agent, method, path, headers },
        (answer) => {
          answer.resume()
          answer.once('end', () => {
            if (answer.statusCode === status) resolve()
            else reject(new Error(`${method} ${path}: ${answer.statusCode}`))
          })
          answer.once('error', reject)
        },
      )
      sent.once('error', reject)
      sent.end(body)
    })
  }
}
