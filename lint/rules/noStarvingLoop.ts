/**
 * JavaScript runs one thing at a time: a loop that never suspends lets nobody ask it to stop. `yield*` of something
 * that is there already (`Effect.void`, `Effect.succeed`) is no suspension: Effect takes the value and goes on.
 */
import type { Context, CreateRule } from "@oxlint/plugins"
import { importsEffect, isEffectGenerator, isEffectItself } from "../syntax/effectCode.ts"
import { hasWayOut, isEndless, testOf } from "../syntax/loops.ts"
import { originOf } from "../syntax/origin.ts"
import { enclosingFunction, type Loop, type Node, some, unwrapped } from "../syntax/walk.ts"

export const noStarvingLoop: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no loops in Effect code that never let anybody run", recommended: true },
    messages: {
      endless:
        "Nobody can stop this loop, it never suspends: `yield* Checkpoint.checkpoint` every so many rounds, or run it in a thread with `KillableWorker.run`.",
      long: "{{rounds}} rounds in which nobody can stop this loop: `yield* Checkpoint.checkpoint` every so many, or run it in a thread with `KillableWorker.run`.",
      completed:
        "`yield*` of what is there already does not suspend, so nobody can stop this loop: `yield* Checkpoint.checkpoint` does."
    }
  },
  create(context) {
    if (!importsEffect(context)) return {}
    const check = (loop: Loop): void => {
      const fn = enclosingFunction(loop)
      if (fn === undefined || fn.async || !isEffectItself(context, loop)) return
      const { suspends, completed } = yieldsOf(context, loop)
      if (suspends) return
      const rounds = roundsOf(loop)
      if (isEndless(loop) && (isEffectGenerator(context, fn) || !hasWayOut(context, loop))) {
        context.report({ node: testOf(loop) ?? loop, messageId: completed ? "completed" : "endless" })
      } else if (completed) {
        context.report({ node: testOf(loop) ?? loop, messageId: "completed" })
      } else if (rounds !== undefined && rounds >= 1_000_000) {
        context.report({ node: loop, messageId: "long", data: { rounds: String(rounds) } })
      }
    }
    return {
      WhileStatement: check,
      DoWhileStatement: check,
      ForStatement: check,
      ForOfStatement: check,
      ForInStatement: check
    }
  }
}

const completedValue =
  /^effect\/(Effect\.(void|undefined|succeedNone|succeed\(\)|succeedSome\(\))|Exit\.(void|succeed\(\)))$/
const leaving = /^effect\/(Effect|Exit)\.(fail|failSync|failCause|die|interrupt)(\(\))?$/

/** A `yield*` whose operand leaves the function (`Effect.fail`, `new MyError()`) is neither. */
const yieldsOf = (context: Context, loop: Loop): { readonly suspends: boolean; readonly completed: boolean } => {
  let completed = false
  const suspends = some(context, loop, (node) => {
    if (node.type === "AwaitExpression") return true
    if (node.type !== "YieldExpression" || node.argument === null) return false
    const value = unwrapped(node.argument)
    const origin = originOf(context, value) ?? ""
    if (completedValue.test(origin)) completed = true
    return !completedValue.test(origin) && !leaving.test(origin) && value.type !== "NewExpression"
  })
  return { suspends, completed }
}

/** `for (…; i < 1_000_000; …)`. */
const roundsOf = (loop: Loop): number | undefined => {
  const test: Node | undefined = loop.type === "ForStatement" ? testOf(loop) : undefined
  if (test?.type !== "BinaryExpression" || !/^(<|<=|!==|!=)$/.test(test.operator)) return undefined
  return test.right.type === "Literal" && typeof test.right.value === "number" ? test.right.value : undefined
}
