// What a generator process can do: each load is started once with its options, run step by step, and closed.
import { type BacklogOptions, type BacklogStep, startBacklog } from './backlog-load.ts'
import { type ColdOpenOptions, type ColdOpenResult, startColdOpen } from './cold-open-load.ts'
import { type FanOutOptions, type FanOutResult, type FanOutStep, startFanOut } from './fan-out-load.ts'
import { type IdleOptions, type IdleStep, startIdle } from './idle-load.ts'
import { type ReopenOptions, type ReopenResult, type ReopenStep, startReopen } from './reopen-load.ts'
import { type RestOptions, type RestResult, type RestStep, startRest } from './rest-load.ts'
import { startStorm, type StormOptions, type StormResult, type StormStep } from './storm-load.ts'

export interface LoadTypes {
  'fan-out': { options: FanOutOptions; step: FanOutStep; result: FanOutResult }
  storm: { options: StormOptions; step: StormStep; result: StormResult }
  backlog: { options: BacklogOptions; step: BacklogStep; result: void }
  'cold-open': { options: ColdOpenOptions; step: number; result: ColdOpenResult }
  reopen: { options: ReopenOptions; step: ReopenStep; result: ReopenResult }
  idle: { options: IdleOptions; step: IdleStep; result: void }
  rest: { options: RestOptions; step: RestStep; result: RestResult }
}

export type LoadKind = keyof LoadTypes

export interface Load<Kind extends LoadKind> {
  readonly run: (step: LoadTypes[Kind]['step']) => Promise<LoadTypes[Kind]['result']>
  readonly close: () => Promise<void>
}

export const loads: {
  readonly [Kind in LoadKind]: (options: LoadTypes[Kind]['options']) => Promise<Load<Kind>>
} = {
  'fan-out': startFanOut,
  storm: startStorm,
  backlog: startBacklog,
  'cold-open': startColdOpen,
  reopen: startReopen,
  idle: startIdle,
  rest: startRest,
}
