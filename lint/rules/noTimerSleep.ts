/** A timer of the platform goes on after a cancel and does not know the test clock. */
import type { Context, CreateRule, Suggestion } from "@oxlint/plugins"
import { importsEffect, isWithinEffect, reachSchema, type Reach } from "../syntax/effectCode.ts"
import { originOf } from "../syntax/origin.ts"
import { isTimer, promisedSleep } from "../syntax/sleeps.ts"
import { enclosingFunction, isFunction, type Node, unwrapped } from "../syntax/walk.ts"

export const noTimerSleep: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no timers of the platform in Effect code", recommended: true },
    hasSuggestions: true,
    schema: [{ type: "object", properties: reachSchema, additionalProperties: false }],
    messages: {
      sleep:
        "A cancel does not end this timer, and a test cannot turn it: use `Effect.sleep`, or `Effect.delay` for something to do afterwards.",
      interval:
        "A cancel does not end this timer, and a test cannot turn it: use `Effect.repeat` with `Schedule.spaced` or `Schedule.fixed`.",
      replace: "Sleep in Effect."
    }
  },
  create(context) {
    const reach = (context.options[0] ?? {}) as Reach
    if (!importsEffect(context) && reach.everywhere !== true) return {}
    return {
      CallExpression(call) {
        const origin = originOf(context, call.callee)
        const isInterval = /^(global|node:timers(\/promises|\.promises)?)\.setInterval$/.test(origin ?? "")
        if ((!isTimer(origin) && !isInterval) || !isWithinEffect(context, call, reach)) return
        context.report({
          node: call,
          messageId: isInterval ? "interval" : "sleep",
          suggest: isInterval ? [] : suggestions(context, call)
        })
      }
    }
  }
}

/** `Effect.promise(() => new Promise((r) => setTimeout(r, ms)))` is `Effect.sleep(ms)`, nothing else surely is. */
const suggestions = (context: Context, timer: Node): Array<Suggestion> => {
  const executor = enclosingFunction(timer)
  const made = executor?.parent
  if (made === null || made === undefined) return []
  const millis = promisedSleep(context, made)?.millis
  const evaluate = enclosingFunction(made)
  if (millis === undefined || evaluate === undefined || !isFunction(evaluate) || evaluate.body === null) return []
  const promise = evaluate.parent
  if (unwrapped(evaluate.body) !== made || promise?.type !== "CallExpression") return []
  if (originOf(context, promise.callee) !== "effect/Effect.promise" || promise.arguments[0] !== evaluate) return []
  const callee = unwrapped(promise.callee)
  if (callee.type !== "MemberExpression") return []
  const effect = context.sourceCode.getText(callee.object)
  const text = `${effect}.sleep(${context.sourceCode.getText(millis)})`
  return [{ messageId: "replace", fix: (fixer) => fixer.replaceText(promise, text) }]
}
