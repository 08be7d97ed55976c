import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Settings, settings, type WrongSetting } from "../../../src/examples/server/settings.ts"

const read = (env: Record<string, string>): Effect.Effect<Settings, WrongSetting> =>
  Effect.provideService(settings, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

describe("settings", () => {
  it.effect("are for this machine only unless told otherwise, with the origin on the next port", () =>
    Effect.gen(function* () {
      const otherwise = { host: "127.0.0.1", port: 3000, originPort: 3001, drain: Duration.seconds(10) }
      expect(yield* read({})).toEqual(otherwise)
      expect(yield* read({ HOST: "", PORT: "", ORIGIN_PORT: "", DRAIN_SECONDS: "" })).toEqual(otherwise)
      expect(yield* read({ PORT: "8080" })).toMatchObject({ port: 8080, originPort: 8081 })
      expect(yield* read({ PORT: "0" })).toMatchObject({ port: 0, originPort: 0 })
      expect(yield* read({ PORT: "65535" })).toMatchObject({ port: 65_535, originPort: 65_534 })
      expect(yield* read({ HOST: "::1", PORT: "1", ORIGIN_PORT: "9", DRAIN_SECONDS: "0" })).toEqual({
        host: "::1",
        port: 1,
        originPort: 9,
        drain: Duration.zero
      })
    })
  )

  const wrong: ReadonlyArray<readonly [string, string]> = [
    ["PORT", "http"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PORT", "65536"],
    ["PORT", " "],
    ["ORIGIN_PORT", "1e9"],
    ["DRAIN_SECONDS", "ten"],
    ["DRAIN_SECONDS", "Infinity"],
    ["HOST", "http://localhost"],
    ["HOST", "a b"]
  ]

  it.effect.each(wrong)("that are wrong stop the start, with the name and the value: %s=%s", ([variable, value]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ [variable]: value }))
      expect(error.variable).toBe(variable)
      expect(error.message).toMatch(new RegExp(`^${variable} must be .*, but it is "${value}"\\.$`))
    })
  )
})
