/**
 * `Effect.run…` begins a new root: it does not end with the fiber that called it, and knows nothing of its reason,
 * deadline and services. In a callback of foreign code inside Effect code the form with services, `runForkWith`, may
 * be the only way in, and is allowed there.
 */
import type { Context, CreateRule } from "@oxlint/plugins"
import { importsEffect, isEffectItself, isWithinEffect, reachSchema, type Reach } from "../syntax/effectCode.ts"
import { originOf } from "../syntax/origin.ts"
import { type Node, userOf } from "../syntax/walk.ts"

const runners = /^effect\/Effect\.(run(Promise|PromiseExit|Sync|SyncExit|Fork|Callback))(With)?$/
const managed =
  /^effect\/ManagedRuntime\.(?:make\(\)|ManagedRuntime)\.(run(Promise|PromiseExit|Sync|SyncExit|Fork|Callback))$/

export const noRunInside: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no Effect.run… inside Effect code", recommended: true },
    schema: [{ type: "object", properties: reachSchema, additionalProperties: false }],
    messages: {
      itself:
        "`{{name}}` begins a program of its own, which a cancel does not reach: `yield*` the effect, or `nursery.spawn` it.",
      callback:
        "`{{name}}` begins a program of its own, which a cancel does not reach. Call `resume` of `Bridge.fromCallback`, complete a `Deferred` or offer to a `Queue` (`doneUnsafe`, `offerUnsafe`), or start a task: `runner.start` of `TaskRunner`."
    }
  },
  create(context) {
    const reach = (context.options[0] ?? {}) as Reach
    if (!importsEffect(context) && reach.everywhere !== true) return {}
    return {
      // Also where it is handed on: `Effect.tap(Effect.runFork)`.
      MemberExpression: (node) => check(context, node, reach),
      Identifier(node) {
        if (/^(MemberExpression|Import)/.test(node.parent?.type ?? "")) return
        check(context, node, reach)
      }
    }
  }
}

const check = (context: Context, node: Node, reach: Reach): void => {
  const origin = originOf(context, node)
  const match = origin === undefined ? null : (runners.exec(origin) ?? managed.exec(origin))
  if (match === null || isDeclared(node)) return
  const itself = isEffectItself(context, node, reach)
  const hasServices = match[3] === "With" || origin!.startsWith("effect/ManagedRuntime")
  if (match[3] === "With" && isOnlyMade(node)) return
  if (!itself && (hasServices || !isWithinEffect(context, node, reach))) return
  const name = context.sourceCode.getText(node)
  context.report({ node, messageId: itself ? "itself" : "callback", data: { name } })
}

/** `const run = Effect.runForkWith(services)` runs nothing yet: it is for a callback of foreign code. */
const isOnlyMade = (node: Node): boolean => {
  const { user: made } = userOf(node)
  return made?.type !== "CallExpression" || userOf(made).user?.type !== "CallExpression"
}

/** In `const { runFork } = Effect` the name is not yet a use. */
const isDeclared = (node: Node): boolean =>
  node.parent?.type === "VariableDeclarator" || node.parent?.type === "Property"
