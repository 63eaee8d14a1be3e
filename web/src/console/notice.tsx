// What stands above the terminal when it is not connected: why, and the way on.

import { Button } from "@fluentui/react-components";
import { diagnosticsOn, powerOf, type Power, type Vm } from "../api/models";
import { DiagnosticsOff } from "../pages/boot-diagnostics";
import { isAttached, type VmContext } from "../pages/vm-context";
import { Explained } from "../parts/problem";
import type { Mode } from "./connection";
import type { Phase } from "./state";

/** What stands in the way of a console, before the server is asked. */
export type Obstacle = "diagnosticsOff" | "notRunning" | null;

const MAY_CONNECT: readonly Power[] = ["running", "starting", "stopping", "unknown"];

/** The first obstacle to a console of `vm`. The third one, a missing right, only the server knows. */
export function obstacleOf(vm: Vm): Obstacle {
  if (!diagnosticsOn(vm)) return "diagnosticsOff";
  if (!isAttached(vm) && !MAY_CONNECT.includes(powerOf(vm))) return "notRunning";
  return null;
}

interface NoticeProps extends VmContext {
  readonly phase: Phase;
  readonly obstacle: Obstacle;
  readonly onConnect: (mode: Mode) => void;
  /** A viewer wants to type. */
  readonly onTake: () => void;
}

export function Notice({ phase, obstacle, onConnect, onTake, vm, power }: NoticeProps) {
  if (phase.is === "taken") {
    return (
      <Explained
        intent="warning"
        explanation={{
          title: `${phase.by || "Somebody"} took the seat`,
          detail: `${phase.address === "" ? "" : `From ${phase.address}. `}You have been disconnected; nothing you type reaches the guest. Below is what you last saw.`,
        }}
        actions={
          <>
            <Button appearance="primary" onClick={() => onConnect("write")}>
              Take it back
            </Button>
            <Button onClick={() => onConnect("view")}>Watch</Button>
          </>
        }
      />
    );
  }
  if (phase.is === "open" && phase.role === "viewer") {
    return (
      <Explained
        intent="info"
        explanation={{
          title: "You are watching",
          detail: phase.holder === null ? "Nobody has the seat." : `${phase.holder} has the seat. Taking it disconnects them.`,
        }}
        actions={<Button onClick={onTake}>Take the seat</Button>}
      />
    );
  }
  if (phase.is === "open" || phase.is === "connecting" || phase.is === "lost") return null;
  if (obstacle === "diagnosticsOff") return <DiagnosticsOff why="The serial console needs boot diagnostics to be on." />;
  if (obstacle === "notRunning") {
    return (
      <Explained
        intent="warning"
        explanation={{
          title: `${vm.name} is not running`,
          detail: "The serial console needs a running machine. Start it: this page connects by itself and you see the boot from its beginning.",
        }}
        actions={
          <Button appearance="primary" disabledFocusable={power.isPending} onClick={() => power.mutate("start")}>
            Start
          </Button>
        }
      />
    );
  }
  if (phase.is === "ended") {
    return (
      <Explained
        intent="info"
        explanation={{ title: "The session has ended", detail: phase.why }}
        actions={<Button onClick={() => onConnect("write")}>Reconnect</Button>}
      />
    );
  }
  if (phase.is === "blocked") {
    return <Explained explanation={phase.explanation} actions={<Button onClick={() => onConnect("write")}>Try again</Button>} />;
  }
  return null;
}
