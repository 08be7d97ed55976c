/** Modules of Node, where there is Node: the kit also loads in a browser, and through bundlers. */
import type * as fs from "node:fs"
import type * as inspector from "node:inspector"
import type * as module from "node:module"
import type * as path from "node:path"

interface Modules {
  readonly "node:fs": typeof fs
  readonly "node:inspector": typeof inspector
  readonly "node:module": typeof module
  readonly "node:path": typeof path
}

export const host = <Name extends keyof Modules>(name: Name): Modules[Name] | undefined => {
  const { process } = globalThis as { readonly process?: { readonly getBuiltinModule?: (name: string) => unknown } }
  return process?.getBuiltinModule?.(name) as Modules[Name] | undefined
}
