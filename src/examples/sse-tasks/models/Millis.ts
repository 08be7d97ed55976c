import * as Schema from "effect/Schema"

/** Milliseconds, up to ten minutes. */
export const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 600_000 }))
