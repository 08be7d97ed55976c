import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isInterruptible } from "../../../src/fibers/internal/interruptible.ts"

const here = Effect.withFiber((fiber) => Effect.succeed(isInterruptible(fiber)))

it.effect("this version of Effect keeps the interruptibility on the fiber, where we read it", () =>
  Effect.gen(function* () {
    expect(yield* here).toBe(true)
    expect(yield* Effect.uninterruptible(here)).toBe(false)
    expect(yield* Effect.uninterruptibleMask((restore) => restore(here))).toBe(true)
    let inFinalizer: boolean | undefined
    yield* Effect.ensuring(
      Effect.void,
      Effect.map(here, (interruptible) => {
        inFinalizer = interruptible
      })
    )
    expect(inFinalizer).toBe(false)
  })
)
