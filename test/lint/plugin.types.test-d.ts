/** The plugin is what ESLint and oxlint take, and the step API takes effects only (S3-49). */
import * as Effect from "effect/Effect"
import type { ESLint, Linter } from "eslint"
import { defineConfig } from "oxlint"
import { Nursery } from "rescind"
import rescind from "rescind/lint"
import { expectTypeOf, test } from "vitest"

test("the preset is a configuration of ESLint, the plugin a plugin", () => {
  expectTypeOf([rescind.configs.recommended]).toExtend<Array<Linter.Config>>()
  expectTypeOf(rescind).toExtend<ESLint.Plugin>()
})

test("the rules of the preset are rules of oxlint", () => {
  expectTypeOf(defineConfig).toBeCallableWith({
    jsPlugins: ["rescind/lint"],
    rules: rescind.configs.recommended.rules
  })
})

declare const nursery: Nursery.Nursery

test("S3-49, S3-50: an async function is no body of a task; the types refuse it before the rule does", () => {
  expectTypeOf(nursery.spawn("step", Effect.succeed(1))).toExtend<Effect.Effect<unknown, unknown>>()
  // @ts-expect-error a task is an effect
  nursery.spawn("step", async () => 1) // oxlint-disable-line rescind/no-async-body -- the sin itself
  // @ts-expect-error so is the body of a nursery
  Nursery.run("app", async () => 1) // oxlint-disable-line rescind/no-async-body -- the sin itself
})
