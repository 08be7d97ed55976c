/**
 * Which functions run on a fiber. That is every function written in a call of Effect, Layer, Stream or Rescind, and
 * every function that gives back an effect, by its annotation or by what it returns. Functions inside such a function,
 * and those of the file that it calls, are *within* Effect code: mostly they run in the same turn, but they may also be
 * called back from outside. Only
 * those that surely run at once, as the function of `map` does, count as Effect code *itself*.
 */
import type { Context, ESTree } from "@oxlint/plugins"
import { originOf, originOfType } from "./origin.ts"
import { callOf, enclosingFunction, type FunctionNode, type Node, returned, unwrapped, userOf } from "./walk.ts"

/** For rules that can be told that whole files are Effect code, such as a folder of handlers in plain promises. */
export interface Reach {
  readonly everywhere?: boolean
}

export const reachSchema = { everywhere: { type: "boolean" } } as const

const bodies = new WeakMap<FunctionNode, boolean>()

const isBody = (context: Context, fn: FunctionNode): boolean => {
  const known = bodies.get(fn)
  if (known !== undefined) return known
  bodies.set(fn, false) // for a function that returns itself
  const body =
    isGiven(context, fn) || isAnnotated(context, fn) || returnsEffect(context, fn) || isGivenByName(context, fn)
  bodies.set(fn, body)
  return body
}

/** Some function around the node runs on a fiber. */
export const isWithinEffect = (context: Context, node: Node, reach?: Reach): boolean => {
  if (reach?.everywhere === true) return true
  for (let fn = enclosingFunction(node); fn !== undefined; fn = enclosingFunction(fn)) {
    if (isBody(context, fn) || isCalled(context, fn)) return true
  }
  return false
}

const helpers = new WeakMap<FunctionNode, boolean>()

/** A function of this file that Effect code calls by its name. */
const isCalled = (context: Context, fn: FunctionNode): boolean => {
  const known = helpers.get(fn)
  if (known !== undefined) return known
  helpers.set(fn, false) // for functions that call each other
  const called = usesOf(context, fn).some((use) => {
    const { user, operand } = userOf(use)
    if (user?.type !== "CallExpression" || user.callee !== operand) return false
    const caller = enclosingFunction(use)
    return isEffectItself(context, use) || (caller !== undefined && isCalled(context, caller))
  })
  helpers.set(fn, called)
  return called
}

const isGivenByName = (context: Context, fn: FunctionNode): boolean =>
  usesOf(context, fn).some((use) => {
    const { user, operand } = userOf(use)
    if (user?.type !== "CallExpression" || !(user.arguments as ReadonlyArray<Node>).includes(operand)) return false
    return takesEffectCode(originOf(context, user.callee))
  })

/** Where this file names the function, other than to declare it. */
const usesOf = (context: Context, fn: FunctionNode): ReadonlyArray<Node> => {
  const { user } = userOf(fn)
  const isConstant = user?.type === "VariableDeclarator" && user.parent?.type === "VariableDeclaration"
  const declaration = fn.type === "FunctionDeclaration" ? fn : isConstant ? user : undefined
  if (declaration?.id?.type !== "Identifier") return []
  const { id } = declaration
  const variable = context.sourceCode
    .getDeclaredVariables(declaration)
    .find(({ identifiers }) => identifiers.includes(id))
  return (variable?.references ?? []).filter(({ init }) => !init).map(({ identifier }) => identifier as Node)
}

/** The function that the node belongs to runs on a fiber. */
export const isEffectItself = (context: Context, node: Node, reach?: Reach): boolean => {
  if (reach?.everywhere === true) return true
  let fn = enclosingFunction(node)
  while (fn !== undefined && !isBody(context, fn) && runsAtOnce(fn)) fn = enclosingFunction(fn)
  return fn !== undefined && isBody(context, fn)
}

/** Of Effect all but the runners; what `Effect.fn("name")` gives; Layer and Stream. */
const ofEffect = /^effect\/(Effect\.(?!run[A-Z])\w+|Effect\.fn\w*\(\)|(Layer|Stream)\.\w+)$/

/** A function of a module of Rescind, or of a handle: a nursery, a service, what a `make` gave. */
const ofRescind = /^rescind\/(\w+\*?|\w+\.make\(\)\*?|\w+\.[A-Z]\w*)\.\w+$/

/** Whether functions written in a call of it run on a fiber. */
export const takesEffectCode = (origin: string | undefined): boolean =>
  origin !== undefined && (ofEffect.test(origin) || ofRescind.test(origin))

export const isEffectGenerator = (context: Context, fn: FunctionNode): boolean => fn.generator && isGiven(context, fn)

const isGiven = (context: Context, fn: FunctionNode): boolean => {
  const call = callOf(fn)
  return call !== undefined && takesEffectCode(originOf(context, call.callee))
}

const isEffectType = (context: Context, annotation: ESTree.TSTypeAnnotation | null | undefined): boolean =>
  annotation !== null &&
  annotation !== undefined &&
  originOfType(context, annotation.typeAnnotation) === "effect/Effect.Effect"

const isAnnotated = (context: Context, fn: FunctionNode): boolean => {
  if (isEffectType(context, fn.returnType)) return true
  const { user } = userOf(fn)
  const id = user?.type === "VariableDeclarator" && user.id.type === "Identifier" ? user.id : undefined
  const type = id?.typeAnnotation?.typeAnnotation
  return type?.type === "TSFunctionType" && isEffectType(context, type.returnType)
}

const returnsEffect = (context: Context, fn: FunctionNode): boolean =>
  !fn.async && !fn.generator && returned(context, fn).some((value) => value !== undefined && isEffect(context, value))

const effectMade = /^effect\/Effect\.(?!run[A-Z]|is[A-Z]|fn)\w+$/

/** An expression that is an effect by its looks: `Effect.…`, with or without `.pipe(…)` or inside `pipe(…)`. */
const isEffect = (context: Context, node: Node): boolean => {
  const value = unwrapped(node)
  if (value.type === "ConditionalExpression")
    return isEffect(context, value.consequent) || isEffect(context, value.alternate)
  if (value.type === "MemberExpression") return effectMade.test(originOf(context, value) ?? "")
  if (value.type !== "CallExpression") return false
  const callee = unwrapped(value.callee)
  const isPipe =
    callee.type === "MemberExpression" && !callee.computed && (callee.property as { name?: string }).name === "pipe"
  if (isPipe) return isEffect(context, callee.object) && !endsInRun(context, value)
  const origin = originOf(context, callee)
  const [first] = value.arguments
  if (origin === "effect/Function.pipe" || origin === "effect/pipe")
    return first !== undefined && isEffect(context, first) && !endsInRun(context, value)
  return effectMade.test(origin ?? "")
}

/** `effect.pipe(…, Effect.runPromise)` is a promise. */
const endsInRun = (context: Context, pipe: ESTree.CallExpression): boolean => {
  const last = pipe.arguments.at(-1)
  return last !== undefined && /^effect\/Effect\.run[A-Z]/.test(originOf(context, last) ?? "")
}

const atOnce =
  /^(map|flatMap|forEach|filter|find|findIndex|findLast|some|every|reduce|reduceRight|sort|toSorted|from|replace|replaceAll)$/

const runsAtOnce = (fn: FunctionNode): boolean => {
  const { user, operand } = userOf(fn)
  if (user?.type === "NewExpression") return user.callee.type === "Identifier" && user.callee.name === "Promise"
  if (user?.type !== "CallExpression") return false
  if (user.callee === operand) return true
  const callee = unwrapped(user.callee)
  return (
    callee.type === "MemberExpression" && callee.property.type === "Identifier" && atOnce.test(callee.property.name)
  )
}

/**
 * Where a signal or a clean-up has nothing to do: nothing is interrupted there (the acquire and release of a resource,
 * finalizers, uninterruptible regions), or a cancel closes the resource that the call waits for.
 */
export const isBeyondSignals = (context: Context, node: Node): boolean => {
  for (let at: Node | null | undefined = node; at !== null && at !== undefined; at = at.parent) {
    const call: Node | null = at.parent
    if (call?.type !== "CallExpression" || !(call.arguments as ReadonlyArray<Node>).includes(at)) continue
    if (isBeyondAsArgument(originOf(context, call.callee), call, call.arguments.indexOf(at as ESTree.Argument))) {
      return true
    }
  }
  return false
}

const isBeyondAsArgument = (origin: string | undefined, call: ESTree.CallExpression, index: number): boolean => {
  switch (origin) {
    case "effect/Effect.acquireRelease":
      return index < 2
    case "effect/Effect.acquireUseRelease":
      return index !== 1
    case "effect/Effect.addFinalizer":
    case "effect/Effect.uninterruptible":
      return true
    case "effect/Effect.ensuring":
    case "effect/Effect.onError":
    case "effect/Effect.onExit":
    case "effect/Effect.onInterrupt":
    case "effect/Scope.addFinalizer":
    case "effect/Scope.addFinalizerExit":
      return index === call.arguments.length - 1
    case "rescind/Bridge.stopOnCancel":
    case "rescind/NodeResource.use":
      return true
    default:
      return false
  }
}

/** Whether the file has anything of Effect's at all; most rules have nothing to do in others. */
export const importsEffect = (context: Context): boolean =>
  context.sourceCode.ast.body.some(
    (statement) =>
      statement.type === "ImportDeclaration" && /^(effect|rescind|@effect\/[\w-]+)(\/|$)/.test(statement.source.value)
  ) || /require\(["'](effect|rescind)/.test(context.sourceCode.text)
