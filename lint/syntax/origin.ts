/**
 * What a name stands for, as one string: `effect/Effect.gen`, `rescind/Bridge.fromPromise`, `node:fs.readFileSync`,
 * `global.setTimeout`. Imports are followed through every form (namespace, named, renamed, default, `require`), and
 * through constants, destructuring and type annotations, so that no rule fires on another thing of the same name.
 *
 * The result of a call is `rescind/TaskRunner.make()`, what a `yield*` gives is `rescind/Tasks*`.
 */
import type { Context, ESTree, Scope, Variable } from "@oxlint/plugins"
import { callOf, isFunction, type Node, unwrapped } from "./walk.ts"

export const originOf = (context: Context, node: Node, depth = 0): string | undefined => {
  if (depth > 20) return undefined
  const at = unwrapped(node)
  switch (at.type) {
    case "Identifier":
      return originOfName(context, at, depth + 1)
    case "MemberExpression": {
      const name = memberName(at)
      const object = name === undefined ? undefined : originOf(context, at.object, depth + 1)
      return object === undefined ? undefined : member(object, name!)
    }
    case "CallExpression":
      return requiredModule(context, at) ?? called(originOf(context, at.callee, depth + 1))
    case "YieldExpression":
      return at.argument === null ? undefined : yielded(originOf(context, at.argument, depth + 1))
    default:
      return undefined
  }
}

/** The origin of a type: `Effect.Effect<A>` is `effect/Effect.Effect`, `Tasks["Service"]` is `Tasks`. */
export const originOfType = (context: Context, type: Node): string | undefined => {
  switch (type.type) {
    case "TSTypeReference":
      return originOfType(context, type.typeName)
    case "TSIndexedAccessType":
      return originOfType(context, type.objectType)
    case "TSQualifiedName": {
      const left = originOfType(context, type.left)
      return left === undefined ? undefined : member(left, type.right.name)
    }
    case "Identifier":
      return originOfName(context, type, 0)
    default:
      return undefined
  }
}

export const variableOf = (context: Context, identifier: { readonly name: string } & Node): Variable | undefined => {
  for (let scope: Scope | null = context.sourceCode.getScope(identifier); scope !== null; scope = scope.upper) {
    const variable = scope.set.get(identifier.name)
    if (variable !== undefined) return variable
  }
  return undefined
}

/** What a name of this file stands for: the initial value of a constant, or a function declaration. */
export const valueOf = (context: Context, node: Node): Node => {
  const value = unwrapped(node)
  if (value.type !== "Identifier") return value
  const variable = variableOf(context, value)
  const definition = variable?.defs.length === 1 ? variable.defs[0]!.node : undefined
  if (isFunction(definition) && definition.type === "FunctionDeclaration") return definition
  if (definition?.type !== "VariableDeclarator" || definition.id.type !== "Identifier") return value
  const isConstant = definition.parent?.type === "VariableDeclaration" && definition.parent.kind === "const"
  return isConstant && definition.init !== null ? unwrapped(definition.init) : value
}

/** The name in `a.name` or `a["name"]`. */
export const memberName = (node: ESTree.MemberExpression): string | undefined => {
  if (!node.computed) return node.property.type === "PrivateIdentifier" ? undefined : node.property.name
  return node.property.type === "Literal" && typeof node.property.value === "string" ? node.property.value : undefined
}

const originOfName = (context: Context, name: { readonly name: string } & Node, depth: number): string | undefined => {
  const variable = variableOf(context, name)
  const definition = variable?.defs[0]
  if (definition === undefined) return globals.has(name.name) ? "global" : `global.${name.name}`
  switch (definition.type) {
    case "ImportBinding":
      return originOfImport(definition.node, definition.parent)
    case "Variable":
      return originOfVariable(context, definition.node, name.name, depth)
    case "Parameter":
      return originOfParameter(context, definition.name, definition.node)
    default:
      return undefined
  }
}

const originOfImport = (specifier: Node, declaration: Node | null): string | undefined => {
  if (declaration?.type !== "ImportDeclaration") return undefined
  const source = moduleName(declaration.source.value)
  if (specifier.type !== "ImportSpecifier") return source
  const { imported } = specifier
  return member(source, imported.type === "Literal" ? imported.value : imported.name)
}

const originOfVariable = (context: Context, node: Node, name: string, depth: number): string | undefined => {
  if (node.type !== "VariableDeclarator") return undefined
  if (node.id.type === "Identifier" && node.id.typeAnnotation) {
    const type = originOfType(context, node.id.typeAnnotation.typeAnnotation)
    if (type !== undefined) return type
  }
  const isConstant = node.parent?.type === "VariableDeclaration" && node.parent.kind === "const"
  if (!isConstant || node.init === null) return undefined
  const origin = originOf(context, node.init, depth)
  if (origin === undefined || node.id.type === "Identifier") return origin
  if (node.id.type !== "ObjectPattern") return undefined
  for (const property of node.id.properties) {
    if (property.type !== "Property" || property.key.type !== "Identifier" || property.computed) continue
    if (property.value.type === "Identifier" && property.value.name === name) return member(origin, property.key.name)
  }
  return undefined
}

const originOfParameter = (context: Context, name: Node, fn: Node): string | undefined => {
  if (name.type === "Identifier" && name.typeAnnotation) {
    return originOfType(context, name.typeAnnotation.typeAnnotation)
  }
  const call = isFunction(fn) && fn.params[0] === name ? callOf(fn) : undefined
  const callee = call === undefined ? undefined : originOf(context, call.callee)
  return callee === "rescind/Nursery.run" || callee === "rescind/Nursery.supervise"
    ? "rescind/Nursery.Nursery"
    : undefined
}

const requiredModule = (context: Context, call: ESTree.CallExpression): string | undefined => {
  const [source] = call.arguments
  const isRequire = call.callee.type === "Identifier" && call.callee.name === "require"
  if (!isRequire || source?.type !== "Literal" || typeof source.value !== "string") return undefined
  return originOfName(context, call.callee as ESTree.IdentifierReference, 0) === "global.require"
    ? moduleName(source.value)
    : undefined
}

/** The global object, by the names that platforms have for it. */
const globals = new Set(["globalThis", "window", "self", "global"])

const builtins = /^(fs|child_process|crypto|zlib|timers)(\/promises)?$/

const moduleName = (source: string): string => (builtins.test(source) ? `node:${source}` : source)

const called = (origin: string | undefined): string | undefined => (origin === undefined ? undefined : `${origin}()`)

const yielded = (origin: string | undefined): string | undefined => (origin === undefined ? undefined : `${origin}*`)

/** Joins, and says a thing that has several homes one way: `effect` exports what `effect/Effect` is. */
const member = (origin: string, name: string): string => {
  if (origin === "global" && globals.has(name)) return origin
  if (origin === "effect") return `effect/${name}`
  if (/^rescind(\/(fibers|combinators|http))?$/.test(origin)) return `rescind/${name}`
  if (name === "default" && origin.startsWith("node:")) return origin
  return `${origin}.${name}`
}
