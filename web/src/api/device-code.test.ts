import { describe, expect, test, vi } from "vitest";
import { ArmClient } from "./client";
import { answerDevice, findDevice, formatCode, isComplete } from "./device-code";

function client(body: unknown, status = 200) {
  const http = vi.fn(() => Promise.resolve(new Response(JSON.stringify(body), { status })));
  const arm = new ArmClient("https://hardline.test", () => "TOKEN", () => undefined, http as unknown as typeof fetch);
  const sent = () => {
    const [url, init] = http.mock.calls[0] as unknown as [string, RequestInit];
    return { url, method: init.method, body: JSON.parse(String(init.body)) as unknown };
  };
  return { arm, sent };
}

describe("device codes", () => {
  test.each([
    ["", "", false],
    ["bcd", "BCD", false],
    ["bcdf", "BCDF", false],
    ["bcdfg", "BCDF-G", false],
    [" bcdf - ghjk ", "BCDF-GHJK", true],
    ["BCDF-GHJKLMN", "BCDF-GHJK", true],
    ["1bc2df", "BCDF", false],
  ])("%j is shown as %j", (typed, shown, complete) => {
    expect(formatCode(typed)).toBe(shown);
    expect(isComplete(formatCode(typed))).toBe(complete);
  });

  test("a code travels in the body and never in the address", async () => {
    const device = { clientId: "az", clientName: "Azure CLI", address: "192.0.2.1", asked: "", expires: "" };
    const find = client(device);
    expect(await findDevice(find.arm, "BCDF-GHJK")).toEqual(device);
    expect(find.sent()).toEqual({
      url: "https://hardline.test/providers/Hardline.Identity/findDeviceCode?api-version=2026-11-01",
      method: "POST",
      body: { userCode: "BCDF-GHJK" },
    });
    const answer = client({ approved: false });
    await answerDevice(answer.arm, "BCDF-GHJK", false);
    expect(answer.sent()).toEqual({
      url: "https://hardline.test/providers/Hardline.Identity/answerDeviceCode?api-version=2026-11-01",
      method: "POST",
      body: { userCode: "BCDF-GHJK", approve: false },
    });
  });

  test("a code that nobody waits for is a failure in the server's words", async () => {
    const { arm } = client({ error: { code: "DeviceCodeNotFound", message: "No sign-in waits for this code." } }, 404);
    await expect(findDevice(arm, "BCDF-GHJK")).rejects.toMatchObject({ code: "DeviceCodeNotFound", status: 404 });
  });
});
