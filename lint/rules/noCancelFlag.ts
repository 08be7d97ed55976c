/**
 * A flag that says "stop" is seen only where somebody looks, and not in a wait; an interrupt ends the wait itself.
 * A flag is a variable that another function sets, an own field or a `Ref`, called as flags are called; data about
 * something that was cancelled is none. In an async function looking at the signal is the only way, and allowed.
 */
import type { Context, CreateRule } from "@oxlint/plugins"
import { importsEffect, isWithinEffect, reachSchema, type Reach } from "../syntax/effectCode.ts"
import { isEndless, testOf } from "../syntax/loops.ts"
import { memberName, originOf, variableOf } from "../syntax/origin.ts"
import { callOf, enclosingFunction, isFunction, isLoop, type Loop, type Node, some, unwrapped } from "../syntax/walk.ts"

const flagName =
  /^_?(is|was|has|should|must)?_?(cancell?(ed|led|ing|ation)?|abort(ed|ing)?|interrupted|stop(ped|ping)?)_?(requested|flag|now)?$/i

const requestName = /^_?(is|was|has)?_?(cancel(l?ation)?|abort|stop)_?requested$/i

export const noCancelFlag: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no flags that are looked at to see whether to stop", recommended: true },
    schema: [{ type: "object", properties: reachSchema, additionalProperties: false }],
    messages: {
      flag: "A cancel is not seen where nobody looks at `{{name}}`, and a wait is not ended by it. Leave the check out and cancel the task (`Task.cancel`): Effect stops it at its next wait; in a loop that computes, `yield* Checkpoint.checkpoint`.",
      signal:
        "`{{name}}` is looked at by hand. Leave the check out: Effect stops at its next wait; in a loop that computes, `yield* Checkpoint.checkpoint`. A signal from outside: `CancelSignal.cancelledBy(effect, signal)`, or `Wait.until(signal)`.",
      blocked:
        "`{{name}}` cannot change while this loop runs, nothing else does. Move the loop into `Effect.gen` with `yield* Checkpoint.checkpoint`, or into a thread with `KillableWorker.run`."
    }
  },
  create(context) {
    const reach = (context.options[0] ?? {}) as Reach
    if (!importsEffect(context) && reach.everywhere !== true) return {}
    const report = (test: Node, loop: Loop | undefined): void => {
      const fn = enclosingFunction(test)
      some(context, test, (node) => {
        const found = flagIn(context, node, loop, fn?.async !== true)
        if (found === undefined || !isWithinEffect(context, node, reach)) return false
        const canChange = fn?.generator === true || fn?.async === true
        const messageId =
          loop !== undefined && !canChange && found.isSignal ? "blocked" : found.isSignal ? "signal" : "flag"
        context.report({ node, messageId, data: { name: found.name } })
        return true
      })
    }
    const loopTest = (loop: Loop): void => {
      const test = testOf(loop)
      if (test !== undefined && !isEndless(loop)) report(test, loop)
    }
    return {
      WhileStatement: loopTest,
      DoWhileStatement: loopTest,
      ForStatement: loopTest,
      IfStatement(branch) {
        if (leaves(branch.consequent)) report(branch.test, enclosingLoop(branch))
      }
    }
  }
}

const flagIn = (
  context: Context,
  node: Node,
  loop: Loop | undefined,
  isFiber: boolean
): { readonly name: string; readonly isSignal: boolean } | undefined => {
  if (node.type === "Identifier") {
    const isProperty = node.parent?.type === "MemberExpression" && !node.parent.computed && node.parent.object !== node
    return !isProperty && flagName.test(node.name) && isSetElsewhere(context, node)
      ? { name: node.name, isSignal: false }
      : undefined
  }
  if (node.type === "CallExpression") {
    const [ref] = node.arguments
    const isGet = originOf(context, node.callee) === "effect/Ref.get"
    const name = isGet && ref !== undefined ? lastName(ref) : undefined
    return name !== undefined && flagName.test(name)
      ? { name: context.sourceCode.getText(ref), isSignal: false }
      : undefined
  }
  if (node.type !== "MemberExpression") return undefined
  const name = memberName(node)
  const text = context.sourceCode.getText(node)
  if (name === "aborted" && loop !== undefined && isSignal(node.object)) {
    return isFiber ? { name: text, isSignal: true } : undefined
  }
  const isOwn = unwrapped(node.object).type === "ThisExpression"
  // Of another object only a name that no data has: `token.isCancellationRequested`.
  return name !== undefined && loop !== undefined && (isOwn ? flagName : requestName).test(name)
    ? { name: text, isSignal: false }
    : undefined
}

const lastName = (node: Node): string | undefined => {
  const value = unwrapped(node)
  if (value.type === "MemberExpression") return memberName(value)
  return value.type === "Identifier" ? value.name : undefined
}

const isSignal = (node: Node): boolean => {
  const object = unwrapped(node)
  if (object.type === "MemberExpression") return memberName(object) === "signal"
  return object.type === "Identifier" && /signal$/i.test(object.name)
}

/** A variable that some other function than the one that reads it gives a new value. */
const isSetElsewhere = (context: Context, name: Node & { readonly name: string }): boolean => {
  const variable = variableOf(context, name)
  const reader = enclosingFunction(name)
  return (
    variable !== undefined &&
    !isOfRegistration(context, variable.scope.variableScope.block) &&
    variable.references.some((each) => each.isWrite() && !each.init && enclosingFunction(each.identifier) !== reader)
  )
}

/** Between a callback registration and its clean-up a flag is the way to tell foreign code, as a signal is for promises. */
const isOfRegistration = (context: Context, scope: Node): boolean => {
  const call = isFunction(scope) ? callOf(scope) : undefined
  return (
    call !== undefined &&
    /^(effect\/Effect\.callback|rescind\/Bridge\.fromCallback)$/.test(originOf(context, call.callee) ?? "")
  )
}

const leaves = (node: Node): boolean => {
  const last = node.type === "BlockStatement" ? node.body.at(-1) : node
  return /^(Return|Break|Continue|Throw)Statement$/.test(last?.type ?? "")
}

const enclosingLoop = (node: Node): Loop | undefined => {
  const fn = enclosingFunction(node)
  for (let at = node.parent; at !== null && at !== undefined && at !== fn; at = at.parent) if (isLoop(at)) return at
  return undefined
}
