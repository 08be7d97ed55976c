/** A headless browser for as long as the scope is open; it comes as an npm package, so nothing must be installed. */
import chromium from "@sparticuz/chromium"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Browser, chromium as playwright } from "playwright-core"

export const launchChromium: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () =>
    playwright.launch({ args: ["--no-sandbox", "--disable-gpu"], executablePath: await chromium.executablePath() })
  ),
  (browser) => Effect.promise(() => browser.close())
)
