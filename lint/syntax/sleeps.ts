/** Expressions that wait for time: those of Effect, of Rescind, and those made of timers. */
import type { Context, ESTree } from "@oxlint/plugins"
import { memberName, originOf, variableOf } from "./origin.ts"
import { functionArguments, isFunction, type Node, returned, unwrapped, walk } from "./walk.ts"

/** `setTimeout` and its like, as origins. */
export const isTimer = (origin: string | undefined): boolean =>
  origin === "global.setTimeout" || origin === "node:timers.setTimeout" || isTimerPromise(origin)

const isTimerPromise = (origin: string | undefined): boolean =>
  origin === "node:timers/promises.setTimeout" ||
  origin === "node:timers.promises.setTimeout" ||
  origin === "node:timers/promises.scheduler.wait" ||
  origin === "global.scheduler.wait" ||
  origin === "global.Bun.sleep"

/** `new Promise((resolve) => setTimeout(resolve, …))`; with it, the milliseconds. */
export const promisedSleep = (context: Context, node: Node): { readonly millis: Node | undefined } | undefined => {
  const made = unwrapped(node)
  if (made.type !== "NewExpression" || originOf(context, made.callee) !== "global.Promise") return undefined
  const [executor] = made.arguments
  const resolve = isFunction(executor) ? executor.params[0] : undefined
  if (!isFunction(executor) || executor.body === null || resolve?.type !== "Identifier") return undefined
  let found: { millis: Node | undefined } | undefined
  walk(context, executor.body, (at) => {
    if (at.type !== "CallExpression" || !isTimer(originOf(context, at.callee))) return
    const [first, millis] = at.arguments
    const wakes = first !== undefined && mentions(context, first, resolve.name)
    if (wakes) found = { millis }
  })
  return found
}

const mentions = (context: Context, node: Node, name: string): boolean => {
  let found = false
  walk(context, node, (at) => {
    if (at.type === "Identifier" && at.name === name) found = true
  })
  return found
}

const sleeping = /^(effect\/Effect\.(sleep|delay)|rescind\/Wait\.sleep)\(\)(\.pipe\(\))?$/

const promising = /^(effect\/Effect\.(promise|tryPromise)|rescind\/Bridge\.fromPromise)$/

/** `yield* Effect.sleep(…)`, `await` of a promised sleep or of a function here that makes one. */
export const isSleeping = (context: Context, node: Node): boolean => {
  if (node.type === "AwaitExpression") return isPause(context, node.argument)
  if (node.type !== "YieldExpression" || node.argument === null) return false
  if (sleeping.test(originOf(context, node.argument) ?? "")) return true
  const call = unwrapped(node.argument)
  if (call.type === "CallExpression" && isPipe(context, call) && call.arguments.some((each) => delays(context, each))) {
    return true
  }
  if (call.type !== "CallExpression" || !promising.test(originOf(context, call.callee) ?? "")) return false
  return functionArguments(call).some((fn) =>
    returned(context, fn).some((value) => value !== undefined && isPause(context, value))
  )
}

/** `x.pipe(…)`, `pipe(x, …)`. */
const isPipe = (context: Context, call: ESTree.CallExpression): boolean => {
  const callee = unwrapped(call.callee)
  if (callee.type === "MemberExpression" && memberName(callee) === "pipe") return true
  return /^effect\/(Function\.)?pipe$/.test(originOf(context, callee) ?? "")
}

const delays = (context: Context, step: Node): boolean =>
  /^effect\/Effect\.(sleep|delay\(\)|sleep\(\))$/.test(originOf(context, step) ?? "")

const isPause = (context: Context, node: Node): boolean => {
  const value = unwrapped(node)
  if (promisedSleep(context, value) !== undefined) return true
  if (value.type !== "CallExpression") return false
  if (isTimerPromise(originOf(context, value.callee))) return true
  return value.callee.type === "Identifier" && makesPause(context, value.callee)
}

const makesPause = (context: Context, name: { readonly name: string } & Node): boolean => {
  const node = variableOf(context, name)?.defs[0]?.node
  const fn = node?.type === "VariableDeclarator" && node.init !== null ? unwrapped(node.init) : node
  return (
    isFunction(fn) &&
    returned(context, fn).some((value) => value !== undefined && promisedSleep(context, value) !== undefined)
  )
}
