// Drives tests/process/node-client-program.ts in a process of its own: a device that can be killed and started again.
import { join } from 'node:path'

import { type Program, runProgram } from '../helpers/program.ts'
import { root } from '../helpers/root.ts'
import type { Answer, DeviceOptions, Task, View } from './node-client-program.ts'

const program = join(root, 'dist/tests/process/node-client-program.js')

export class NodeDevice {
  readonly #options: DeviceOptions
  readonly #maxFileBlocks: number | undefined
  #program: Program
  #answered: ((answer: Answer) => void) | undefined

  /** Its disk is full when a file has `maxFileBlocks` blocks of 512 bytes. */
  constructor(options: DeviceOptions, maxFileBlocks?: number) {
    this.#options = options
    this.#maxFileBlocks = maxFileBlocks
    this.#program = this.#start()
  }

  /** Does a task; how things stand afterwards. One at a time. */
  async run(task: Task): Promise<View> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#answered = resolve
      this.#program.child.send(task)
    })
    if ('error' in answer) throw new Error(answer.error)
    return answer.view
  }

  open(id: string): Promise<View> {
    return this.run({ kind: 'open', id })
  }

  send(...texts: readonly string[]): Promise<View> {
    return this.run({ kind: 'send', texts, flush: true })
  }

  /** Waits until the timeline is exactly this. */
  until(...lines: readonly string[]): Promise<View> {
    return this.run({ kind: 'until', lines })
  }

  look(): Promise<View> {
    return this.run({ kind: 'look' })
  }

  /** SIGKILL, and a new process on the same folder. */
  async killAndRestart(): Promise<void> {
    await this.#program.kill()
    this.#program = this.#start()
  }

  /** Closes the client as a program should, and starts again; it must have ended by itself. */
  async restart(): Promise<void> {
    await this.end()
    this.#program = this.#start()
  }

  async end(): Promise<void> {
    await this.run({ kind: 'end' })
    const { code, signal } = await this.#program.ended
    if (code !== 0) throw new Error(`the program ended with ${code ?? signal}: ${this.#program.stderr()}`)
  }

  async kill(): Promise<void> {
    await this.#program.kill()
  }

  #start(): Program {
    const limit = this.#maxFileBlocks === undefined ? {} : { maxFileBlocks: this.#maxFileBlocks }
    const started = runProgram([program, JSON.stringify(this.#options)], { ipc: true, ...limit })
    started.child.on('message', (answer: Answer) => this.#answered?.(answer))
    started.child.once('close', (code, signal) => {
      this.#answered?.({ error: `the program ended (${code ?? signal}): ${started.stderr()}` })
    })
    return started
  }
}
