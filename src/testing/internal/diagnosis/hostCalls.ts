/**
 * Notes who calls what virtual time cannot drive: timers, microtasks, promises, the network; and who asks the host for
 * time or chance. Calls that Effect makes for itself do not count.
 */
import type * as Fiber from "effect/Fiber"
import { ofOperation, ownerOf, type Place, Stack, usersOf } from "./places.ts"
import type { Patches } from "./patches.ts"

export interface HostCall {
  /** "setTimeout", "Math.random". */
  readonly name: string
  readonly kind: "later" | "chance"
  readonly stack: Stack
  /** The fiber that it started, if it did. */
  readonly fiber?: Fiber.Fiber<unknown, unknown> | undefined
}

const later: ReadonlyArray<readonly [path: string, key: string]> = [
  ["", "setTimeout"],
  ["", "setInterval"],
  ["", "setImmediate"],
  ["", "queueMicrotask"],
  ["", "fetch"],
  ["process", "nextTick"],
  ["AbortSignal", "timeout"]
]

const chance: ReadonlyArray<readonly [path: string, key: string]> = [
  ["Math", "random"],
  ["Date", "now"],
  ["performance", "now"],
  ["process", "hrtime"],
  ["crypto", "randomUUID"],
  ["crypto", "getRandomValues"]
]

export const noteHostCalls = (patches: Patches, note: (call: HostCall) => void): void => {
  // Only the outermost: what `fetch` calls in its turn is its own affair.
  let inside = false
  const noting = (name: string, kind: HostCall["kind"]) => (original: Function) => {
    const noted = function (this: unknown, ...args: ReadonlyArray<unknown>): unknown {
      if (inside) return Reflect.apply(original, this, args)
      note({ name, kind, stack: new Stack(noted, 16) })
      inside = true
      // oxlint-disable-next-line repository/effect-only -- the flag must fall, whatever the host does
      try {
        return Reflect.apply(original, this, args)
      } finally {
        inside = false
      }
    }
    return Object.assign(noted, original)
  }
  for (const [calls, kind] of [
    [later, "later"],
    [chance, "chance"]
  ] as const) {
    for (const [path, key] of calls) {
      const owner = path === "" ? globalThis : (globalThis as Record<string, unknown>)[path]
      const holder = holderOf(owner, key)
      if (holder !== undefined) patches.replace(holder, key, noting(path === "" ? key : `${path}.${key}`, kind))
    }
  }
  patches.replace(Promise.prototype, "then", noting("a promise", "later"))
  patches.replace(globalThis, "Date", (original) => {
    const noted: Function = new Proxy(original, {
      construct: (target, args, newTarget) => {
        if (args.length === 0) note({ name: "new Date()", kind: "chance", stack: new Stack(noted, 16) })
        return Reflect.construct(target, args, newTarget) as object
      }
    })
    return noted
  })
}

/** Who has it as an own property, it or what it inherits from. */
const holderOf = (owner: unknown, key: string): object | undefined => {
  for (let holder = owner; typeof holder === "object" || typeof holder === "function";) {
    if (holder === null) return undefined
    if (Object.hasOwn(holder, key)) return holder
    holder = Object.getPrototypeOf(holder) as unknown
  }
  return undefined
}

/** Where it was called, unless Effect or Rescind called it for themselves. */
export const callerOf = ({ stack }: HostCall): Place | undefined => {
  const places = ofOperation(stack)
  const caller = places.find((place) => ownerOf(place) !== "host")
  if (caller === undefined || ownerOf(caller) === "effect" || ownerOf(caller) === "rescind") return undefined
  return usersOf(places) ?? caller
}
