/**
 * An async function where Effect expects a value or an effect: its promise is nobody's. It is not awaited, its
 * rejection is unhandled, and a cancel does not reach it. The types often let it pass.
 */
import type { Context, CreateRule } from "@oxlint/plugins"
import { importsEffect, takesEffectCode } from "../syntax/effectCode.ts"
import { memberName, originOf, valueOf } from "../syntax/origin.ts"
import {
  callOf,
  type FunctionNode,
  functionArguments,
  isFunction,
  type Node,
  returned,
  unwrapped
} from "../syntax/walk.ts"

const takesPromises = /^(effect\/Effect\.(promise|tryPromise)|rescind\/Bridge\.fromPromise|effect\/Stream\.from\w+)$/

/** What they are given stays as it is: a service, say, that has methods with promises. */
const takesData =
  /^effect\/(Effect\.(succeed\w*|fail|die|provideService)|Layer\.succeed|Stream\.(succeed|make|fail|die|fromIterable|provideService))$/

/** Their function gives a value, so that a promise would be the value. */
const takesValues = /^effect\/Effect\.(sync|map|tap|try|suspend|flatMap|andThen|forEach|gen|callback)$/

export const noAsyncBody: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no async functions and promises where Effect expects an effect", recommended: true },
    messages: {
      async:
        "Nobody waits for this async function, and a cancel does not reach it: write `Effect.gen(function* () { … })`, and a promise in it as `Bridge.fromPromise((signal) => …)`.",
      promise:
        "Nobody waits for this promise, and a cancel does not reach it: `Bridge.fromPromise((signal) => …)` or `Effect.tryPromise((signal) => …)`."
    }
  },
  create(context) {
    if (!importsEffect(context)) return {}
    return {
      CallExpression(call) {
        const origin = originOf(context, call.callee)
        if (!takesEffectCode(origin) || takesPromises.test(origin!) || takesData.test(origin!)) return
        for (const argument of call.arguments) {
          if (argument.type !== "Identifier") continue
          const fn = valueOf(context, argument)
          if (isFunction(fn) && fn.async) context.report({ node: argument, messageId: "async" })
        }
        for (const fn of functionArguments(call)) {
          if (callOf(fn) !== call) continue
          if (fn.async) context.report({ node: fn, messageId: "async" })
          else if (takesValues.test(origin!)) checkReturned(context, fn)
        }
      }
    }
  }
}

const checkReturned = (context: Context, fn: FunctionNode): void => {
  for (const value of returned(context, fn)) {
    if (value !== undefined && isPromise(context, value)) context.report({ node: value, messageId: "promise" })
  }
}

const makesPromise =
  /^(global\.fetch|global\.Promise\.(resolve|reject|all|allSettled|any|race)|node:(fs|timers)\/promises\.\w+)$/

const isPromise = (context: Context, value: Node): boolean => {
  if (value.type === "NewExpression") return originOf(context, value.callee) === "global.Promise"
  if (value.type !== "CallExpression" || isFunction(value.callee)) return false
  const callee = unwrapped(value.callee)
  if (callee.type === "MemberExpression" && memberName(callee) === "then") return true
  const fn = valueOf(context, callee)
  if (isFunction(fn)) return fn.async && !fn.generator
  return makesPromise.test(originOf(context, value.callee) ?? "")
}
