/** Answers the methods that a path does not have: 405, and which ones it has (REST1). */

import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

/** Registers `routes` in a scope of their own, and every other method of their paths behind the same hooks. */
export function withOtherMethods(app: FastifyInstance, routes: (scope: FastifyInstance) => void): void {
  void app.register((scope, _options, done) => {
    const methods = new Map<string, Set<string>>()
    scope.addHook('onRoute', ({ url, method }) => {
      const known = methods.get(url) ?? new Set()
      for (const one of [method].flat()) known.add(one)
      methods.set(url, known)
    })
    routes(scope)
    scope.after(() => {
      for (const [url, known] of [...methods]) answerOthers(scope, url, [...known].toSorted())
    })
    done()
  })
}

function answerOthers(scope: FastifyInstance, url: string, known: readonly string[]): void {
  const others = scope.supportedMethods.filter((method) => !known.includes(method))
  const allow = known.join(', ')
  const refuse = (): never => {
    throw new Problem(405, 'method-not-allowed', `This path takes ${allow}.`, { headers: { allow } })
  }
  if (others.length === 0) return
  // In a hook, so that it comes before the body is looked at.
  scope.route({ url, method: others, schema: { hide: true }, onRequest: async () => refuse(), handler: refuse })
}
