/** Each rule on its own, over all its fixtures: what it likes, what it reports and what it suggests. */
import { RuleTester } from "oxlint/plugins-dev"
import { describe, expect, it } from "vitest"
import plugin from "../../lint/index.ts"
import { all } from "./fixtures/all.ts"
import type { Case } from "./fixtures/cases.ts"

RuleTester.describe = describe
RuleTester.it = it

const common = ({ code, options, title }: Case) => ({
  name: title,
  code,
  filename: "fixture.ts",
  ...(options === undefined ? {} : { options: [options] })
})

const suggested = (suggestion: { readonly id: string; readonly code: string } | "none") =>
  suggestion === "none" ? null : [{ messageId: suggestion.id, output: suggestion.code }]

for (const { invalid, rule, valid } of all) {
  new RuleTester({ languageOptions: { parserOptions: { lang: "ts" } } }).run(rule, plugin.rules[rule], {
    valid: valid.map(common),
    invalid: invalid.map((sin) => ({
      ...common(sin),
      errors: sin.reports.map((messageId, index) => ({
        messageId,
        ...(index === 0 && sin.suggestion !== undefined ? { suggestions: suggested(sin.suggestion) } : {})
      }))
    }))
  })
}

describe("fixtures", () => {
  it("are there for each rule and each of its messages", () => {
    expect(all.map(({ rule }) => rule)).toEqual(Object.keys(plugin.rules))
    for (const { invalid, rule } of all) {
      const shown = new Set(invalid.flatMap(({ reports }) => reports))
      const suggested = new Set(["take", "hand", "replace"])
      const messages = Object.keys(plugin.rules[rule].meta.messages).filter((id) => !suggested.has(id))
      expect([rule, Array.from(shown).toSorted()]).toEqual([rule, messages.toSorted()])
    }
  })

  it("are told apart by their titles", () => {
    for (const { invalid, rule, valid } of all) {
      const titles = [...valid, ...invalid].map(({ title }) => title)
      expect([rule, new Set(titles).size]).toEqual([rule, titles.length])
    }
  })
})
