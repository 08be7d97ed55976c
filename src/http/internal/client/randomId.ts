import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const letters = "0123456789abcdefghijklmnopqrstuvwxyz"

/** 62 bits: no two meet. */
export const randomId = (name: string): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(Random.nextIntBetween(0, letters.length - 1), 12),
    (digits) => `${name}-${digits.map((digit) => letters[digit]!).join("")}`
  )
