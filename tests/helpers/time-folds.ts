// A program: prints how many times of parsing a full window its fold takes. Where that is more than its argument, others may be
// at work, and more rounds are run: never so many that twice the work passes.
import { timeFolds, timesOfParsing } from './fold-timing.ts'
import { createMixedWindow } from './mixed-window.ts'

const rounds = 100
const batches = 10

const enough = Number(process.argv[2])
const window = createMixedWindow(7)
const source = window.source()
let times = Infinity
const [folded, parsed]: [number[], number[]] = [[], []]
for (let batch = 0; batch < batches && !(times < enough); batch++) {
  const { parse, folds } = await timeFolds(window, rounds, [() => source])
  folded.push(...folds.flat())
  parsed.push(...parse)
  times = timesOfParsing(folded, parsed)
}
console.log(times)
