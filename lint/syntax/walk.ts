/**
 * The syntax tree as the rules see it: the same in oxlint and in ESLint, with and without types. Wrappers that change
 * nothing at run time (`as`, `satisfies`, `!`, an optional chain) are looked through everywhere.
 */
import type { Context, ESTree } from "@oxlint/plugins"

export type Node = ESTree.Node

export type FunctionNode = ESTree.ArrowFunctionExpression | ESTree.Function

export type Loop =
  | ESTree.WhileStatement
  | ESTree.DoWhileStatement
  | ESTree.ForStatement
  | ESTree.ForInStatement
  | ESTree.ForOfStatement

export const isFunction = (node: Node | null | undefined): node is FunctionNode =>
  node?.type === "ArrowFunctionExpression" ||
  node?.type === "FunctionExpression" ||
  node?.type === "FunctionDeclaration"

export const isLoop = (node: Node): node is Loop => /^(While|DoWhile|For|ForIn|ForOf)Statement$/.test(node.type)

export const unwrapped = (node: Node): Node => {
  switch (node.type) {
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
    case "ChainExpression":
    case "ParenthesizedExpression":
      return unwrapped(node.expression)
    default:
      return node
  }
}

/** The node that uses this one, wrappers left out; with it, what of the two stands directly in it. */
export const userOf = (node: Node): { readonly user: Node | null; readonly operand: Node } => {
  let operand = node
  while (operand.parent !== null && operand.parent !== undefined && unwrapped(operand.parent) === unwrapped(operand)) {
    operand = operand.parent
  }
  return { user: operand.parent ?? null, operand }
}

export const enclosingFunction = (node: Node): FunctionNode | undefined => {
  for (let at = node.parent; at !== null && at !== undefined; at = at.parent) if (isFunction(at)) return at
  return undefined
}

/** Visits the node and what is below it, in order; `false` keeps out of what is below. */
export const walk = (context: Context, node: Node, enter: (node: Node) => boolean | void): void => {
  if (enter(node) === false) return
  for (const key of context.sourceCode.visitorKeys[node.type] ?? []) {
    const child = (node as unknown as Record<string, unknown>)[key]
    for (const each of Array.isArray(child) ? child : [child]) {
      if (each !== null && typeof each === "object" && "type" in each) walk(context, each as Node, enter)
    }
  }
}

/** Whether something in the node holds, functions inside it left out: they run at another time. */
export const some = (context: Context, node: Node, holds: (node: Node) => boolean): boolean => {
  let found = false
  walk(context, node, (at) => {
    if (found || (at !== node && isFunction(at))) return false
    if (holds(at)) found = true
    return !found
  })
  return found
}

/** What the function itself gives back: its expression, or the operands of its own `return`s. */
export const returned = (context: Context, fn: FunctionNode): ReadonlyArray<Node | undefined> => {
  if (fn.body === null) return []
  if (fn.body.type !== "BlockStatement") return [unwrapped(fn.body)]
  const found: Array<Node | undefined> = []
  some(context, fn.body, (node) => {
    if (node.type === "ReturnStatement") found.push(node.argument === null ? undefined : unwrapped(node.argument))
    return false
  })
  return found
}

/** The functions written in the arguments of a call, also those in an object or array there: `{ try: () => … }`. */
export const functionArguments = (call: ESTree.CallExpression): ReadonlyArray<FunctionNode> => {
  const inside = (node: Node): ReadonlyArray<FunctionNode> => {
    const value = unwrapped(node)
    if (isFunction(value)) return [value]
    if (value.type === "ObjectExpression") {
      return value.properties.flatMap((property) => (property.type === "Property" ? inside(property.value) : []))
    }
    if (value.type === "ArrayExpression") return value.elements.flatMap((each) => (each === null ? [] : inside(each)))
    return []
  }
  return call.arguments.flatMap(inside)
}

/** The call in whose arguments this function is written, as `functionArguments` finds them. */
export const callOf = (fn: Node): ESTree.CallExpression | undefined => {
  let { user, operand } = userOf(fn)
  while (user?.type === "Property" || user?.type === "ObjectExpression" || user?.type === "ArrayExpression") {
    if (user.type === "Property" && user.value !== operand) return undefined
    ;({ user, operand } = userOf(user))
  }
  return user?.type === "CallExpression" && (user.arguments as ReadonlyArray<Node>).includes(operand) ? user : undefined
}
