/**
 * An uninterruptible region holds every cancel off for as long as it likes, and nobody can see who it is. A mask that
 * restores in the middle is another thing: the tool of those who build combinators.
 */
import type { Context, CreateRule, ESTree } from "@oxlint/plugins"
import { importsEffect } from "../syntax/effectCode.ts"
import { originOf } from "../syntax/origin.ts"
import { isFunction, type Node, unwrapped } from "../syntax/walk.ts"

export const noBareUninterruptible: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "a named shield with a budget, not a bare uninterruptible region", recommended: true },
    messages: {
      bare: 'This holds a cancel off without a name and without an end: `Shield.run("save invoice", effect, { budget: "2 seconds" })`. To pair a resource with its release, `Effect.acquireRelease`.'
    }
  },
  create(context) {
    if (!importsEffect(context)) return {}
    const check = (node: Node): void => {
      const origin = originOf(context, node)
      const isMask = origin === "effect/Effect.uninterruptibleMask"
      if (origin !== "effect/Effect.uninterruptible" && !(isMask && !restores(context, node))) return
      context.report({ node, messageId: "bare" })
    }
    return {
      MemberExpression: check,
      // `Effect.forkChild(save, { uninterruptible: true })`
      Property(node) {
        const isOption = node.key.type === "Identifier" && node.key.name === "uninterruptible"
        if (!isOption || node.value.type !== "Literal" || node.value.value !== true) return
        const call = node.parent.parent
        if (call?.type !== "CallExpression" || !(call.arguments as ReadonlyArray<Node>).includes(node.parent)) return
        const origin = originOf(context, call.callee) ?? ""
        if (/^effect\/Effect\.fork[A-Z]/.test(origin)) context.report({ node, messageId: "bare" })
      },
      Identifier(node) {
        if (!/^(MemberExpression|Import|VariableDeclarator|Property)/.test(node.parent?.type ?? "")) check(node)
      }
    }
  }
}

const restores = (context: Context, mask: Node): boolean => {
  const call = mask.parent
  if (call?.type !== "CallExpression" || call.callee !== mask) return false
  const fn = call.arguments[0] === undefined ? undefined : unwrapped(call.arguments[0])
  const restore = isFunction(fn) ? fn.params[0] : undefined
  if (!isFunction(fn)) return true // a function of elsewhere, which may
  return (
    restore !== undefined &&
    context.sourceCode
      .getDeclaredVariables(fn)
      .some(
        (variable) =>
          variable.identifiers.includes(restore as ESTree.BindingIdentifier) && variable.references.length > 0
      )
  )
}
