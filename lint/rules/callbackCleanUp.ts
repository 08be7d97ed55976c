/**
 * A registration that leaves no clean-up behind keeps its listener, timer or request after the fiber was interrupted.
 * It gives back an effect that undoes it, or uses its signal.
 */
import type { Context, CreateRule, ESTree } from "@oxlint/plugins"
import { importsEffect, isBeyondSignals } from "../syntax/effectCode.ts"
import { originOf, valueOf } from "../syntax/origin.ts"
import { callOf, type FunctionNode, isFunction, type Node, returned, unwrapped, walk } from "../syntax/walk.ts"

export const callbackCleanUp: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "give back a clean-up from a callback registration", recommended: true },
    messages: {
      absent:
        'When this is interrupted, what it registered stays: return a clean-up, `return Effect.sync(() => …)`, or use the signal, `({{resume}}, signal) => …`. What cannot be undone: `Bridge.fromCallback(…, { mode: "wait" })` or `{ mode: "abandon" }`.'
    }
  },
  create(context) {
    if (!importsEffect(context)) return {}
    return {
      CallExpression(call) {
        const origin = originOf(context, call.callee)
        if (origin !== "effect/Effect.callback" && origin !== "rescind/Bridge.fromCallback") return
        const register = call.arguments[0] === undefined ? undefined : valueOf(context, call.arguments[0])
        if (!isFunction(register) || hasMode(call) || isBeyondSignals(context, call)) return
        const resume = register.params[0]
        if (resume?.type !== "Identifier" || usesSignal(context, register)) return
        if (!resumesLater(context, register, resume) || returnsCleanUp(context, register, resume.name)) return
        context.report({ node: register, messageId: "absent", data: { resume: resume.name } })
      }
    }
  }
}

const hasMode = (call: ESTree.CallExpression): boolean =>
  call.arguments[1]?.type === "ObjectExpression" &&
  call.arguments[1].properties.some(
    (each) => each.type === "Property" && each.key.type === "Identifier" && each.key.name === "mode"
  )

const usesSignal = (context: Context, register: FunctionNode): boolean => {
  const signal = register.params[1]
  return (
    signal !== undefined &&
    context.sourceCode
      .getDeclaredVariables(register)
      .some(({ identifiers, references }) => identifiers.includes(signal as never) && references.length > 0)
  )
}

/** `resume` is handed on, or used by a function inside; a registration that only calls it leaves nothing behind. */
const resumesLater = (context: Context, register: FunctionNode, resume: ESTree.BindingIdentifier): boolean =>
  context.sourceCode
    .getDeclaredVariables(register)
    .filter((variable) => variable.identifiers.includes(resume))
    .flatMap((variable) => variable.references)
    .some(({ from, identifier }) => {
      const user = (identifier as Node).parent
      const isCalled = user?.type === "CallExpression" && user.callee === identifier
      const caller = from.variableScope.block
      return !isCalled || (caller !== register && !isSoon(context, caller))
    })

/** `queueMicrotask(() => resume(…))`: over before anybody could undo it. */
const isSoon = (context: Context, fn: Node): boolean => {
  const call = isFunction(fn) ? callOf(fn) : undefined
  const origin = call === undefined ? undefined : originOf(context, call.callee)
  return origin === "global.queueMicrotask" || origin === "global.process.nextTick"
}

const returnsCleanUp = (context: Context, register: FunctionNode, resume: string): boolean => {
  const values = returned(context, register)
  if (register.body?.type !== "BlockStatement") return !isForeign(context, values[0]!) && !isVoid(values[0]!)
  return values.some((value) => value !== undefined && !isNothing(value, resume))
}

const isNothing = (value: Node, resume: string): boolean =>
  (value.type === "Identifier" && value.name === "undefined") ||
  isVoid(value) ||
  (value.type === "CallExpression" && value.callee.type === "Identifier" && value.callee.name === resume)

const isVoid = (value: Node): boolean => value.type === "UnaryExpression" && value.operator === "void"

const platform = /^(node:|global\.(setTimeout|setInterval|setImmediate|requestAnimationFrame|navigator|process)\b)/

/** `(resume) => f(resume)` may give back a clean-up, except where `f` is known to give none. */
const isForeign = (context: Context, value: Node): boolean => {
  if (value.type !== "CallExpression") return false
  const origin = originOf(context, value.callee)
  if (origin !== undefined && platform.test(origin)) return true
  const callee = unwrapped(value.callee)
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return false
  if (/^(then|catch|finally|push|add|set)$/.test(callee.property.name)) return true
  // `emitter.once("x", () => resume(…))`: an emitter gives back itself.
  let listens = false
  walk(context, value, (node) => {
    if (
      isFunction(node) &&
      /^(on|once|addEventListener|addListener)$/.test((callee.property as { name: string }).name)
    ) {
      listens = true
    }
  })
  return listens
}
