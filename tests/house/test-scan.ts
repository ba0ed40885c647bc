// Reads test sources the way the SPEC check needs them: which promises do running tests cite, and does anything keep a
// test from running? Works on the syntax tree, so a test in a comment or in a string does not count.
import { parseSync } from 'vite'

/** A test, in source order. `ids` are the promises its name starts with: `[SYNC4][STORE1] …`. */
export interface ScannedTest {
  readonly line: number
  readonly ids: readonly string[]
}

/** Something that would let a promise go unproved: a switched-off test, or a citation nobody can read. */
export interface ScanFault {
  readonly line: number
  readonly why: string
}

export interface TestScan {
  readonly tests: readonly ScannedTest[]
  readonly faults: readonly ScanFault[]
  /** Relative imports and re-exports, as written. */
  readonly imports: readonly string[]
}

interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

const testNames = new Set(['test', 'it'])
const suiteNames = new Set(['describe', 'suite'])
const switches = new Set(['skip', 'todo', 'only', 'fails', 'skipIf', 'runIf'])
const importTypes = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'])

/** Scans one test source, or a module with tests that test sources call (a contract suite). */
export function scanTests(path: string, code: string): TestScan {
  const { program, errors } = parseSync(path, code)
  if (errors[0] !== undefined) throw new Error(`${path} does not parse: ${errors[0].message}`)
  const tests: ScannedTest[] = []
  const faults: ScanFault[] = []
  const imports: string[] = []

  for (const node of nodesOf(program)) {
    const line = code.slice(0, node.start).split('\n').length
    const fault = (why: string): number => faults.push({ line, why })
    if (importTypes.has(node.type) && isNode(node['source'])) {
      const specifier = node['source']['value']
      if (typeof specifier === 'string' && specifier.startsWith('.')) imports.push(specifier)
    }
    if (node.type === 'MemberExpression' || node.type === 'Identifier') {
      const off = switchIn(node)
      if (off !== undefined) fault(`${off} keeps tests from running`)
    }
    if (node.type !== 'CallExpression') continue
    const [callee = '', ...modifiers] = chainOf(node['callee'])
    if (modifiers.length === 0 && callee === 'skip') fault('skip() keeps a test from running')
    if (modifiers.at(-1) === 'skip' && /^(context|ctx|task|t)$/.test(callee))
      fault(`${callee}.skip() keeps a test from running`)
    if (!testNames.has(callee) && !suiteNames.has(callee)) continue

    const args = nodesIn(node['arguments'])
    const title = args[0] === undefined ? undefined : titleOf(args[0])
    for (const key of args.flatMap(optionsOf)) if (switches.has(key)) fault(`option ${key} keeps tests from running`)
    if (title === undefined || suiteNames.has(callee)) continue
    if (args.length === 1) fault('a test without a body is not a test')
    const cited = /^(?:\[[A-Z]+\d+\])+(?= )/.exec(title)?.[0] ?? ''
    if (title.startsWith('[') && cited === '') fault(`unreadable citation in "${title}"`)
    tests.push({ line, ids: [...cited.matchAll(/[A-Z]+\d+/g)].map(([id]) => id) })
  }
  return { tests, faults, imports }
}

/** Ids of the promises in SPEC.md: list items like `- **SYNC4** …`. */
export function parseSpecIds(markdown: string): string[] {
  return [...markdown.matchAll(/^- \*\*([A-Z]+\d+)\*\*/gm)].flatMap(([, id]) => (id === undefined ? [] : [id]))
}

/** `test.each([…])` → test, each: the identifier a callee begins with, then what hangs on it. */
function chainOf(callee: unknown): string[] {
  if (!isNode(callee)) return []
  if (callee.type === 'Identifier') return [String(callee['name'])]
  if (callee.type === 'MemberExpression') return [...chainOf(callee['object']), nameOf(callee['property'])]
  if (callee.type === 'CallExpression') return chainOf(callee['callee'])
  if (callee.type === 'TaggedTemplateExpression') return chainOf(callee['tag'])
  return []
}

/** `test.skip`, `describe.only` and the like, or the short names `xtest`, `fit`. */
function switchIn(node: SyntaxNode): string | undefined {
  const [name = '', ...modifiers] = chainOf(node)
  if (modifiers.length === 0) return /^(x(test|it|describe)|f(test|it|describe))$/.test(name) ? name : undefined
  const last = modifiers.at(-1) ?? ''
  const ours = testNames.has(name) || suiteNames.has(name)
  return ours && switches.has(last) ? `${name}.${modifiers.join('.')}` : undefined
}

/** What is known of a title before the test runs: a string, or the beginning of a template or of a sum. */
function titleOf(node: SyntaxNode): string | undefined {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined
  if (node.type === 'BinaryExpression') return isNode(node['left']) ? titleOf(node['left']) : undefined
  if (node.type !== 'TemplateLiteral') return undefined
  const text = nodesIn(node['quasis'])[0]?.['value']
  return typeof text === 'object' && text !== null && 'cooked' in text ? String(text.cooked) : undefined
}

/** Keys of an options object: `test('…', { skip: true }, …)`. */
function optionsOf(argument: SyntaxNode): string[] {
  return argument.type === 'ObjectExpression' ? nodesIn(argument['properties']).map((one) => nameOf(one['key'])) : []
}

function nameOf(key: unknown): string {
  return isNode(key) ? String(key['name'] ?? key['value']) : ''
}

function* nodesOf(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) for (const one of value) yield* nodesOf(one)
  else if (isNode(value)) {
    yield value
    for (const child of Object.values(value)) yield* nodesOf(child)
  }
}

function nodesIn(value: unknown): SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value
  )
}
