/** A detached fiber outlives whoever started it: no cancel, no shutdown and no scope ends it. */
import type { Context, CreateRule, ESTree } from "@oxlint/plugins"
import { importsEffect } from "../syntax/effectCode.ts"
import { originOf, variableOf } from "../syntax/origin.ts"
import { type Node, unwrapped } from "../syntax/walk.ts"

export const noDetachedFork: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no fibers that nothing ends", recommended: true },
    messages: {
      detached:
        "Nothing ends this fiber, no cancel and no shutdown: `nursery.spawn` it, or start it where it should live (`Tasks.start`, `Effect.forkScoped`).",
      global:
        "`{{scope}}` is as old as the module, so nothing ends this fiber: `nursery.spawn` it, or start it where it should live (`Tasks.start`, `Effect.forkScoped`)."
    }
  },
  create(context) {
    if (!importsEffect(context)) return {}
    const detached = (node: Node): void => {
      if (originOf(context, node) === "effect/Effect.forkDetach") context.report({ node, messageId: "detached" })
    }
    return {
      // Also where it is handed on: `effect.pipe(forkDetach)`.
      MemberExpression: detached,
      Identifier(node) {
        if (!/^(MemberExpression|Import|Export|VariableDeclarator|Property)/.test(node.parent?.type ?? ""))
          detached(node)
      },
      CallExpression(call) {
        const origin = originOf(context, call.callee)
        if (origin !== "effect/Effect.forkIn" && origin !== "effect/Fiber.runIn") return
        const scope = scopeArgument(context, call)
        if (scope === undefined || !isGlobal(context, scope)) return
        context.report({ node: call, messageId: "global", data: { scope: scope.name } })
      }
    }
  }
}

/** `forkIn(effect, scope, options?)`, or `forkIn(scope, options?)` in a pipe. */
const scopeArgument = (
  context: Context,
  call: ESTree.CallExpression
): (Node & { readonly name: string }) | undefined => {
  const plain = call.arguments.filter((argument) => argument.type !== "ObjectExpression")
  const last = plain.at(-1)
  const scope = last === undefined ? undefined : unwrapped(last)
  return scope?.type === "Identifier" && variableOf(context, scope) !== undefined ? scope : undefined
}

const isGlobal = (context: Context, scope: Node & { readonly name: string }): boolean => {
  const variable = variableOf(context, scope)
  const kind = variable?.defs[0]?.type
  const isTop = variable?.scope.type === "module" || variable?.scope.type === "global"
  return isTop && (kind === "ImportBinding" || kind === "Variable")
}
