import { expect, test } from "vitest";
import { allows } from "./rights";

const WRITE = "Hardline.Detection/rules/write";

test.each([
  ["nothing", [], false],
  ["Owner", [{ actions: ["*"], notActions: [] }], true],
  ["Reader", [{ actions: ["*/read"] }], false],
  ["the action itself, in any case", [{ actions: ["hardline.detection/RULES/write"] }], true],
  ["every action of the type", [{ actions: ["Hardline.Detection/rules/*"] }], true],
  ["a dot is a dot", [{ actions: ["HardlineXDetection/rules/write"] }], false],
  ["taken away", [{ actions: ["*"], notActions: ["Hardline.Detection/*/write"] }], false],
  ["taken away from one role, given by another", [{ actions: ["*"], notActions: ["*/write"] }, { actions: [WRITE] }], true],
])("%s", (_name, permissions, may) => expect(allows(permissions, WRITE)).toBe(may));
