import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Settings, settings } from "../../../src/examples/a2a-agent/settings.ts"
import type { WrongSetting } from "../../../src/examples/server/settings.ts"

const read = (env: Record<string, string>): Effect.Effect<Settings, WrongSetting> =>
  Effect.provideService(settings, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

describe("settings of the A2A agent", () => {
  it.effect("are for this machine only unless told otherwise, with the grace of two seconds (S2-50)", () =>
    Effect.gen(function* () {
      expect(yield* read({ PORT: "" })).toEqual({
        host: "127.0.0.1",
        port: 41_241,
        giveUp: Duration.seconds(2),
        drain: Duration.seconds(10),
        maxTasks: 1000,
        pace: Duration.millis(40),
        stallAfter: undefined
      })
      expect(
        yield* read({
          HOST: "::1",
          PORT: "0",
          GRACE: "120000",
          DRAIN_SECONDS: "0",
          MAX_TASKS: "1",
          TOKEN_MILLIS: "0",
          STALL_AFTER: "0"
        })
      ).toEqual({
        host: "::1",
        port: 0,
        giveUp: Duration.minutes(2),
        drain: Duration.zero,
        maxTasks: 1,
        pace: Duration.zero,
        stallAfter: 0
      })
    })
  )

  it.effect.each([
    ["PORT", "many"],
    ["HOST", "http://localhost"],
    ["GRACE", "2s"],
    ["GRACE", "-1"],
    ["GRACE", "1.5"],
    ["GRACE", "Infinity"],
    ["GRACE", "3600001"],
    ["DRAIN_SECONDS", "ten"],
    ["MAX_TASKS", "0"],
    ["TOKEN_MILLIS", "fast"],
    ["STALL_AFTER", "never"]
  ] as const)("that are wrong stop the start, with the name and the value: %s=%s", ([variable, value]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ [variable]: value }))
      expect(error.variable).toBe(variable)
      expect(error.message).toMatch(new RegExp(`^${variable} must be .*, but it is "${value}"\\.$`))
    })
  )
})
