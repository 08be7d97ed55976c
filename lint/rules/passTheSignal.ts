/**
 * A promise that is not handed its signal goes on when its fiber was interrupted. What takes no signal is run by
 * `Bridge.fromPromise` with a `mode`: then what a cancel does to it is written down, and the rule is content.
 */
import type { Context, CreateRule, ESTree, Fix, Fixer, Suggestion } from "@oxlint/plugins"
import { importsEffect, isBeyondSignals } from "../syntax/effectCode.ts"
import { originOf, valueOf, variableOf } from "../syntax/origin.ts"
import { callOf, type FunctionNode, isFunction, type Node, some, unwrapped, walk } from "../syntax/walk.ts"

const makers = new Set(["effect/Effect.promise", "effect/Effect.tryPromise", "rescind/Bridge.fromPromise"])

export const passTheSignal: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "hand the signal on to what a promise callback calls", recommended: true },
    hasSuggestions: true,
    messages: {
      absent:
        'A cancel does not reach this promise: take the signal, `(signal) => …`, and pass it on. What takes no signal: `Bridge.fromPromise(…, { mode: "wait" })` or `{ mode: "abandon" }`, or `Bridge.stopOnCancel` to close what it blocks on.',
      unused:
        '`{{name}}` is never used, so a cancel does not reach this promise: pass it on. What takes no signal: `Bridge.fromPromise(…, { mode: "wait" })` or `{ mode: "abandon" }`, or `Bridge.stopOnCancel` to close what it blocks on.',
      take: "Take the signal.",
      hand: "Take the signal and give it to fetch."
    }
  },
  create(context) {
    if (!importsEffect(context)) return {}
    return {
      CallExpression(call) {
        const origin = originOf(context, call.callee)
        if (origin === undefined || !makers.has(origin)) return
        const fn = promiseFunction(context, call)
        if (fn === undefined || hasMode(call) || isBeyondSignals(context, call)) return
        const [signal] = fn.params
        if (signal === undefined || signal.type === "RestElement") {
          if (startsWork(context, fn) && !handsSignal(context, fn)) {
            const suggest = signal === undefined && callOf(fn) === call ? suggestions(context, fn) : []
            context.report({ node: fn, messageId: "absent", suggest })
          }
        } else if (signal.type === "Identifier" && isUnused(context, fn, signal)) {
          context.report({ node: signal, messageId: "unused", data: { name: signal.name } })
        }
      }
    }
  }
}

/** Written in the call, as `try` of its options, or a function of this file that the call names. */
const promiseFunction = (context: Context, call: ESTree.CallExpression): FunctionNode | undefined => {
  const [first] = call.arguments
  let value = first === undefined ? undefined : valueOf(context, first)
  if (value?.type === "ObjectExpression") {
    const property = value.properties.find(
      (each) =>
        each.type === "Property" &&
        ((each.key.type === "Identifier" && each.key.name === "try" && !each.computed) ||
          (each.key.type === "Literal" && each.key.value === "try"))
    )
    value = property?.type === "Property" ? valueOf(context, property.value) : undefined
  }
  return isFunction(value) ? value : undefined
}

const hasMode = (call: ESTree.CallExpression): boolean => {
  const options = call.arguments[1]
  return (
    options?.type === "ObjectExpression" &&
    options.properties.some(
      (each) => each.type === "Property" && each.key.type === "Identifier" && each.key.name === "mode"
    )
  )
}

const isUnused = (context: Context, fn: FunctionNode, signal: ESTree.BindingIdentifier): boolean =>
  context.sourceCode
    .getDeclaredVariables(fn)
    .some((variable) => variable.identifiers.includes(signal) && variable.references.length === 0)

const combining = /^global\.Promise\.(resolve|reject|all|allSettled|any|race|withResolvers)$/

/** Something that could be told to stop is called; not so in `() => ready`, `() => import("x")`, `() => p.then(f)`. */
const startsWork = (context: Context, fn: FunctionNode): boolean =>
  fn.body !== null &&
  some(context, fn.body, (node) => {
    if (node.type === "NewExpression") return originOf(context, node.callee) === "global.Promise"
    if (node.type === "TaggedTemplateExpression") return true // sql`select 1`
    if (node.type !== "CallExpression") return false
    const callee = unwrapped(node.callee)
    if (callee.type === "MemberExpression" && callee.property.type === "Identifier") {
      if (/^(then|catch|finally)$/.test(callee.property.name)) return false
    }
    return !combining.test(originOf(context, callee) ?? "")
  })

/** It is handed a signal from elsewhere, `Task.signal` say. */
const handsSignal = (context: Context, fn: FunctionNode): boolean => {
  let found = false
  walk(context, fn, (node) => {
    if (node.type === "Property" && node.key.type === "Identifier" && node.key.name === "signal") found = true
    if (node.type !== "CallExpression" && node.type !== "NewExpression") return
    if (node.arguments.some((each) => /(^|[.])\w*signal$/i.test(context.sourceCode.getText(each)))) found = true
  })
  return found
}

const suggestions = (context: Context, fn: FunctionNode): Array<Suggestion> => {
  if (namesSignal(context, fn)) return []
  const open = context.sourceCode.getFirstToken(fn, (token) => token.value === "(")
  if (open === null) return []
  const take = (fixer: Fixer): Fix => fixer.insertTextAfter(open, "signal")
  const call = lonelyFetch(context, fn)
  if (call === undefined) return [{ messageId: "take", fix: take }]
  const [url, options] = call.arguments
  return [
    {
      messageId: "hand",
      fix: (fixer) => [
        take(fixer),
        options?.type === "ObjectExpression"
          ? fixer.insertTextAfterRange([options.range[0], options.range[0] + 1], " signal,")
          : fixer.insertTextAfter(url!, ", { signal }")
      ]
    }
  ]
}

/** A signal that is another thing would be hidden, or declared twice. */
const namesSignal = (context: Context, fn: FunctionNode): boolean => {
  let found = false
  walk(context, fn, (node) => {
    if (node.type === "Identifier" && node.name === "signal" && variableOf(context, node) !== undefined) found = true
  })
  return found
}

/** The one `fetch` of the function, if its options can be seen. */
const lonelyFetch = (context: Context, fn: FunctionNode): ESTree.CallExpression | undefined => {
  const found: Array<ESTree.CallExpression> = []
  walk(context, fn, (node: Node) => {
    if (node.type === "CallExpression" && originOf(context, node.callee) === "global.fetch") found.push(node)
  })
  const [call, ...others] = found
  if (call === undefined || others.length > 0) return undefined
  const options = call.arguments[1]
  const canSee = options === undefined || (options.type === "ObjectExpression" && options.properties.length > 0)
  const [url] = call.arguments
  if (url === undefined || url.type === "SpreadElement") return undefined
  // In `fetch(("x"))` options do not go right behind the URL.
  const next = context.sourceCode.getTokenAfter(url)
  return canSee && (next?.value === "," || next?.range[1] === call.range[1]) ? call : undefined
}
