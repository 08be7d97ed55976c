/**
 * A loop that sleeps until something holds is a poll by hand: it checks late, it forgets the deadline or oversleeps it,
 * and a check that hangs holds it for ever. A loop with no way out is no poll but work at intervals, and is left alone,
 * as is one over a given number of things.
 */
import type { Context, CreateRule } from "@oxlint/plugins"
import { importsEffect, isWithinEffect, reachSchema, type Reach } from "../syntax/effectCode.ts"
import { originOf } from "../syntax/origin.ts"
import { isSleeping } from "../syntax/sleeps.ts"
import { hasWayOut, isEndless, leavesOnCondition, testOf } from "../syntax/loops.ts"
import { type Loop, type Node, some } from "../syntax/walk.ts"

export const noPollingLoop: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no polling loops by hand", recommended: true },
    schema: [{ type: "object", properties: reachSchema, additionalProperties: false }],
    messages: {
      poll: "A poll by hand: use `Wait.poll(condition, { interval, within })`, which also bounds a check that hangs; to try again, `Effect.retry`, and for work at intervals, `Effect.repeat`, with a `Schedule`.",
      requested: "Do not poll for the request: `yield* Task.awaitRequest` waits for it.",
      clock:
        "A loop against the clock: use `Wait.poll(condition, { within })` to wait for something, `Deadline.run` to bound work."
    }
  },
  create(context) {
    const reach = (context.options[0] ?? {}) as Reach
    if (!importsEffect(context) && reach.everywhere !== true) return {}
    const check = (loop: Loop): void => {
      const test = testOf(loop)
      if (test !== undefined && readsClock(context, test) && isWithinEffect(context, loop, reach)) {
        context.report({ node: test, messageId: "clock" })
      } else if (isPoll(context, loop) && isWithinEffect(context, loop, reach)) {
        const waitsForRequest = some(context, loop, (node) => originOf(context, node) === "rescind/Task.requested")
        context.report({ node: test ?? loop, messageId: waitsForRequest ? "requested" : "poll" })
      }
    }
    return { WhileStatement: check, DoWhileStatement: check, ForStatement: check }
  }
}

const isPoll = (context: Context, loop: Loop): boolean => {
  const sleeps = some(context, loop, (node) => isSleeping(context, node))
  if (!sleeps) return false
  if (loop.type === "ForStatement" && !isEndless(loop)) return leavesOnCondition(context, loop)
  return !isEndless(loop) || hasWayOut(context, loop)
}

const readsClock = (context: Context, test: Node): boolean =>
  some(context, test, (node) => {
    if (node.type === "CallExpression") {
      return /^global\.(Date|performance)\.now$/.test(originOf(context, node.callee) ?? "")
    }
    return (
      node.type === "YieldExpression" &&
      /^effect\/Clock\.currentTime(Millis|Nanos)\*$/.test(originOf(context, node) ?? "")
    )
  })
