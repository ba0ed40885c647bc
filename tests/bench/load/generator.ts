// A generator process: one load, driven by the messages of the process that started it.
import { type Load, type LoadKind, loads, type LoadTypes } from './loads.ts'

export type GeneratorTask =
  | { readonly kind: 'start'; readonly load: LoadKind; readonly options: LoadTypes[LoadKind]['options'] }
  | { readonly kind: 'run'; readonly step: LoadTypes[LoadKind]['step'] }
  | { readonly kind: 'end' }

export type GeneratorAnswer =
  | { readonly kind: 'done'; readonly result: LoadTypes[LoadKind]['result'] | undefined }
  | { readonly kind: 'failed'; readonly why: string }

/** The types of options, steps and results are the business of the two ends of each load. */
type AnyLoad = Load<LoadKind>
const start = loads as Readonly<Record<LoadKind, (options: unknown) => Promise<AnyLoad>>>
let load: AnyLoad | undefined

async function answer(task: GeneratorTask): Promise<GeneratorAnswer> {
  switch (task.kind) {
    case 'start':
      load = await start[task.load](task.options)
      return { kind: 'done', result: undefined }
    case 'run':
      return { kind: 'done', result: await load?.run(task.step) }
    case 'end':
      await load?.close()
      return { kind: 'done', result: undefined }
  }
}

process.on('message', (task: GeneratorTask) => {
  answer(task)
    .catch((error: unknown): GeneratorAnswer => ({
      kind: 'failed',
      why: error instanceof Error ? (error.stack ?? '') : String(error),
    }))
    .then((said) => {
      process.send?.(said)
      if (task.kind === 'end') process.disconnect()
    })
    .catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
})
