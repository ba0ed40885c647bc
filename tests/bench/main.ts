// `npm run bench`: what the server costs, each figure against the floor of the same run or against its budget.
import { createSigner, startFloor, startParley, withTargets } from './processes.ts'
import { runBench } from './run.ts'
import { acceptOnly } from './scenarios/accept-only.ts'
import { coldOpen } from './scenarios/cold-open.ts'
import { crash } from './scenarios/crash.ts'
import { fanOut } from './scenarios/fan-out.ts'
import { idleMemory } from './scenarios/idle-memory.ts'
import { rest } from './scenarios/rest.ts'
import { storm } from './scenarios/storm.ts'

const signer = createSigner()
const floor = () => startFloor(signer)
const parley = () => startParley(signer)

await runBench({
  'fan-out': () => withTargets([floor, parley], fanOut),
  storm: () => withTargets([floor, parley], storm),
  'cold-open': () => withTargets([parley], coldOpen),
  'idle-memory': () => idleMemory(signer),
  crash,
  rest: () => rest(signer),
  'accept-only': acceptOnly,
})
