import type { ScopeNode } from "./scopeNode.ts"

/** The name of the shield that holds off a cancel of `node`, if one is open below it. */
export const shieldBelow = (node: ScopeNode): string | undefined => {
  let name: string | undefined
  node.walk((below) => {
    if (below.kind === "shield" && below !== node) name ??= below.name
    return name === undefined
  })
  return name
}
