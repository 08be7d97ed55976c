/**
 * `StubbornTask`: cannot be cancelled while it waits, as code in an uninterruptible region cannot. Only here to show what
 * a cancel and a shutdown do then: they give up on it, say so, and its clients are told all the same.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskModel from "../coordinator/TaskModel.ts"
import { app } from "./appName.ts"
import { Millis } from "./Millis.ts"

export const stubbornTask = TaskModel.make({
  app,
  model: "StubbornTask",
  description: "Ignores its cancel for `millis` (default 30000): after 5 seconds nobody waits for it any more",
  params: Schema.Struct({ millis: Schema.optionalKey(Millis) }),
  value: Schema.Struct({ millis: Schema.Int }),
  start: () => ({ message: "Will not stop" }),
  process: ({ millis = 30_000 }) =>
    // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the bad example, on purpose
    Effect.sleep(Duration.millis(millis)).pipe(Effect.as({ millis }), Effect.uninterruptible)
})
