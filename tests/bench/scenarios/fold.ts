// Fold: what a device does with a full window that it has loaded, against the least that anybody would have to do: decoding
// and parsing the same payloads. In turns in one process, from a real Y.Doc and from plain lists.
import { createDocSource } from '../../../client/sync/doc-source.ts'
import { timeFolds, timesOfParsing } from '../../helpers/fold-timing.ts'
import { createMixedWindow } from '../../helpers/mixed-window.ts'
import { type Figure, median, type Outcome } from '../figure.ts'

const seed = 1
const rounds = 200
/** Times decoding and parsing. */
const most = 3

export async function fold(): Promise<Outcome> {
  const window = createMixedWindow(seed)
  const doc = window.doc()
  const lists = window.source()
  const { parse, folds } = await timeFolds(window, rounds, [() => createDocSource(doc), () => lists])
  const [fromDocument = [], fromLists = []] = folds
  return {
    figures: [
      figure('fold of a full window, from its document', fromDocument, parse),
      figure('fold of a full window, from plain lists', fromLists, parse),
    ],
    voids: [],
    failures: [],
  }
}

function figure(name: string, folds: readonly number[], parses: readonly number[]): Figure {
  return {
    name,
    unit: 'ms',
    values: { Parley: Math.min(...folds) },
    judged: { value: timesOfParsing(folds, parses), unit: '×', most },
    note: `decoding and parsing: ${Math.min(...parses).toFixed(2)} ms; medians ${median(folds).toFixed(2)} and ${median(parses).toFixed(2)} ms`,
  }
}
