/**
 * Where a fiber is: the operation it is at, and what lies on its stack of continuations, taken at one moment and read
 * later. It knows Effect's primitives from inside, and says less where they should look different.
 */
import type * as Fiber from "effect/Fiber"
import type { Functions } from "./functions.ts"
import { ofOperation, type Place, Stack, usersOf } from "./places.ts"

/** One of Effect's own operations, of which every effect is made. */
export type Primitive = object & { readonly [field: string]: unknown }

const kindField = "~effect/Effect/identifier"

export const kindOf = (primitive: Primitive): string => String(primitive[kindField])

/** The end of an operation is an operation too. */
export const isExit = (primitive: Primitive): boolean => "~effect/Exit" in primitive

export const stackOf = (fiber: object): ReadonlyArray<Primitive> => {
  const { _stack } = fiber as { readonly _stack?: unknown }
  return Array.isArray(_stack) ? (_stack as ReadonlyArray<Primitive>) : []
}

/** What is known of primitives while watched. */
export interface Sites {
  /** Where generators stand in their `yield*`, by the primitive that drives them. */
  readonly yields: WeakMap<Primitive, Stack>
  /** Where primitives were made. */
  readonly made: WeakMap<Primitive, Stack>
  /** Whose result they are, of operations that only make another one to be executed in their place. */
  readonly origins: WeakMap<Primitive, Primitive>
  /** What is better called by a name of its own. */
  readonly names: WeakMap<object, string>
}

export interface Position {
  readonly primitive: Primitive | undefined
  /** A generator yielded the primitive here. */
  readonly yielded: Stack | undefined
  /** What surrounds it, the innermost first. */
  readonly around: ReadonlyArray<Stack | Primitive>
}

const deepest = 24

export const positionOf = (
  fiber: Fiber.Fiber<unknown, unknown>,
  primitive: Primitive | undefined,
  yielded: Stack | undefined,
  sites: Sites
): Position => ({
  primitive,
  yielded,
  around: stackOf(fiber)
    .slice(-deepest)
    .toReversed()
    .map((cont) => sites.yields.get(cont) ?? cont)
})

/**
 * How the operation stands to the place: it is written there itself, it is part of what is written there, what is
 * written there comes next, or it was given to what surrounds the operation.
 */
export interface Found {
  readonly place: Place
  readonly how: "itself" | "inside" | "ahead" | "near"
}

/** The place in the user's code. */
export const findPlace = (position: Position, sites: Sites, functions: Functions): Found | undefined => {
  const { primitive, yielded, around } = position
  const own = placeOf(yielded) ?? (primitive && writtenAt(primitive, sites, functions))
  if (own !== undefined) return { place: own, how: "itself" }
  for (const outer of around) {
    const inside = placeOf(outer instanceof Stack ? outer : sites.made.get(outer))
    if (inside !== undefined) return { place: inside, how: "inside" }
    const ahead = outer instanceof Stack ? undefined : givenAt(outer, functions)
    if (ahead !== undefined) return { place: ahead, how: kindOf(outer as Primitive) === "OnSuccess" ? "ahead" : "near" }
  }
  let origin = primitive && sites.origins.get(primitive)
  for (let depth = 0; origin !== undefined && depth < deepest; depth++) {
    const place = writtenAt(origin, sites, functions)
    if (place !== undefined) return { place, how: "inside" }
    origin = sites.origins.get(origin)
  }
  return undefined
}

const writtenAt = (primitive: Primitive, sites: Sites, functions: Functions): Place | undefined =>
  givenAt(primitive, functions) ?? placeOf(sites.made.get(primitive))

const placeOf = (stack: Stack | undefined): Place | undefined => stack && usersOf(ofOperation(stack))

/** Where the functions stand that a primitive was given. */
const givenAt = (primitive: Primitive, functions: Functions): Place | undefined => {
  for (const fn of functionsOf(primitive)) {
    const place = functions.users(fn)
    if (place !== undefined) return place
  }
  return undefined
}

/** What a primitive was given: its thunk, its continuations. */
const functionsOf = (primitive: Primitive): ReadonlyArray<Function> =>
  Object.values(primitive).flatMap((value) => {
    if (typeof value === "function") return [value]
    if (typeof value !== "object" || value === null || kindField in value) return []
    return Object.values(value).filter((inner) => typeof inner === "function")
  })

const kinds: { readonly [kind: string]: string } = {
  Sync: "Effect.sync",
  Suspend: "Effect.suspend",
  Async: "Effect.callback",
  WithFiber: "Effect.withFiber",
  Yield: "Effect.yieldNow",
  Iterator: "a generator"
}

/** "Semaphore.take", "sleep 10 ms", or "Effect.sync". */
export const nameOf = ({ primitive }: Position, sites: Sites, functions: Functions): string => {
  if (primitive === undefined) return "its start"
  if (isExit(primitive)) return "its result"
  const own = sites.names.get(primitive)
  if (own !== undefined) return own
  for (const fn of functionsOf(primitive)) {
    const name = functions.nameOf(fn)
    if (name !== undefined) return name
  }
  return kinds[kindOf(primitive)] ?? kindOf(primitive)
}
