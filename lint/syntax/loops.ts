/** Loops: whether they end, and how. A `for` over a given number of things always does. */
import type { Context } from "@oxlint/plugins"
import { isFunction, isLoop, type Loop, type Node, unwrapped, walk } from "./walk.ts"

export const testOf = (loop: Loop): Node | undefined =>
  loop.type === "ForInStatement" || loop.type === "ForOfStatement" ? undefined : (loop.test ?? undefined)

/** `while (true)`, `for (;;)`: its test never ends it. */
export const isEndless = (loop: Loop): boolean => {
  if (loop.type === "ForInStatement" || loop.type === "ForOfStatement") return false
  const test = loop.test === null ? undefined : unwrapped(loop.test)
  return test === undefined || (test.type === "Literal" && Boolean(test.value))
}

/** A `return`, a `throw`, or a `break` of this loop, in its body. */
export const hasWayOut = (context: Context, loop: Loop): boolean => exits(context, loop).length > 0

/** The same, in the branch of an `if` in its body. */
export const leavesOnCondition = (context: Context, loop: Loop): boolean =>
  exits(context, loop).some((exit) => {
    for (let at = exit.parent; at !== loop && at !== null && at !== undefined; at = at.parent) {
      if (at.type === "IfStatement") return exit.type !== "ThrowStatement"
    }
    return false
  })

const exits = (context: Context, loop: Loop): ReadonlyArray<Node> => {
  const found: Array<Node> = []
  const look = (node: Node, inner: boolean): void =>
    walk(context, node, (at) => {
      if (isFunction(at)) return false
      if (at.type === "ReturnStatement" || at.type === "ThrowStatement") found.push(at)
      if (at.type === "BreakStatement" && (!inner || at.label !== null)) found.push(at)
      if (at !== node && (isLoop(at) || at.type === "SwitchStatement")) {
        look(at, true)
        return false
      }
    })
  look(loop.body, isLoop(loop.body))
  return found
}
