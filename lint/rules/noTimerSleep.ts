/** A timer of the platform goes on after a cancel and does not know the test clock. */
import type { Context, CreateRule, ESTree, Suggestion } from "@oxlint/plugins"
import { importsEffect, isWithinEffect, reachSchema, type Reach } from "../syntax/effectCode.ts"
import { originOf } from "../syntax/origin.ts"
import { isTimer, promisedSleep } from "../syntax/sleeps.ts"
import { enclosingFunction, type FunctionNode, isFunction, type Node, unwrapped } from "../syntax/walk.ts"

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
const suggestions = (context: Context, timer: ESTree.CallExpression): Array<Suggestion> => {
  const executor = enclosingFunction(timer)
  if (executor === undefined || onlyStep(executor) !== timer || !onlyWakes(timer)) return []
  const made = executor?.parent
  if (made === null || made === undefined) return []
  const millis = promisedSleep(context, made)?.millis
  const evaluate = enclosingFunction(made)
  if (millis === undefined || evaluate === undefined || !isFunction(evaluate) || evaluate.body === null) return []
  const promise = evaluate.parent
  if (unwrapped(evaluate.body) !== made || promise?.type !== "CallExpression") return []
  if (originOf(context, promise.callee) !== "effect/Effect.promise" || promise.arguments[0] !== evaluate) return []
  if (millis.type === "SpreadElement" || millis.type === "SequenceExpression") return []
  const callee = unwrapped(promise.callee)
  if (callee.type !== "MemberExpression") return []
  const effect = context.sourceCode.getText(callee.object)
  const text = `${effect}.sleep(${context.sourceCode.getText(millis)})`
  return [{ messageId: "replace", fix: (fixer) => fixer.replaceText(promise, text) }]
}

/** What a function does, if it is one thing. */
const onlyStep = (fn: FunctionNode): Node | undefined => {
  if (fn.body?.type !== "BlockStatement") return fn.body === null ? undefined : unwrapped(fn.body)
  const [only, ...more] = fn.body.body
  if (more.length > 0) return undefined
  if (only?.type === "ReturnStatement") return only.argument === null ? undefined : unwrapped(only.argument)
  return only?.type === "ExpressionStatement" ? unwrapped(only.expression) : undefined
}

/** `setTimeout(resolve, ms)`, `setTimeout(() => resolve(), ms)`: no value that would be lost, and nothing else to do. */
const onlyWakes = ({ arguments: [wake, , value] }: ESTree.CallExpression): boolean => {
  if (wake === undefined || value !== undefined) return false
  const step = isFunction(wake) ? onlyStep(wake) : undefined
  return wake.type === "Identifier" || (step?.type === "CallExpression" && step.arguments.length === 0)
}
