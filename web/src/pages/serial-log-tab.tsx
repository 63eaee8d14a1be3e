import { Button, Input, makeStyles, Select, Spinner, ToggleButton, tokens, Tooltip } from "@fluentui/react-components";
import { ArrowDownloadRegular, ArrowDownRegular, ArrowUpRegular, PauseRegular, PlayRegular, SearchRegular } from "@fluentui/react-icons";
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { isDiagnosticsOff } from "../api/failure";
import { diagnosticsOn, powerOf, type SerialLog } from "../api/models";
import { useSerialLog } from "../api/queries";
import { useAccess } from "../app/access";
import { gapText } from "../console/state";
import { search } from "../log/lines";
import { LogView } from "../log/log-view";
import { TAIL, useLogStream, type LogPhase, type LogSource } from "../log/stream";
import { Explained, Problem } from "../parts/problem";
import { bytesText, timeText } from "../parts/time";
import { DiagnosticsOff } from "./boot-diagnostics";
import { downloadBlob, fileName } from "./download";
import { useVmContext } from "./vm-context";

const useStyles = makeStyles({
  bar: { display: "flex", alignItems: "center", gap: "6px", flexWrap: "wrap", flexShrink: 0 },
  source: { minWidth: "190px" },
  search: { width: "210px" },
  hits: { fontSize: "12px", color: tokens.colorNeutralForeground2, minWidth: "64px", fontVariantNumeric: "tabular-nums" },
  foot: { display: "flex", gap: "16px", flexWrap: "wrap", fontSize: "12px", color: tokens.colorNeutralForeground2, flexShrink: 0, fontVariantNumeric: "tabular-nums" },
  grow: { marginLeft: "auto" },
  gaps: { color: tokens.colorPaletteDarkOrangeForeground1, fontWeight: 600 },
});

const CAUSES: Readonly<Record<string, string>> = {
  start: "started", reset: "reset", "guest-reset": "restarted by the guest", crash: "restarted after a crash", attach: "attached",
};

export function SerialLogTab() {
  const styles = useStyles();
  const { arm } = useAccess();
  const { vm, id } = useVmContext();
  const [chosen, setChosen] = useState("tail");
  const source = useMemo<LogSource>(() => (chosen === "tail" ? { from: "tail" } : { from: "offset", offset: Number(chosen) }), [chosen]);
  const stream = useLogStream(arm, id, source);
  const about = useSerialLog(id, stream.log.gaps);
  const [following, setFollowing] = useState(true);
  const [needle, setNeedle] = useState("");
  const [pick, setPick] = useState(0);
  const hits = useMemo(() => search(stream.log.lines, needle), [stream.log.lines, needle]);
  const at = hits.length === 0 ? null : ((pick % hits.length) + hits.length) % hits.length;
  const download = useMutation({
    mutationFn: () => downloadBlob(arm, id, "serialConsoleLogBlobUri", fileName(vm.name, new Date(), "log")),
  });
  const go = (step: number): void => {
    setFollowing(false);
    setPick((at ?? 0) + step);
  };
  const boots = about.data?.properties.boots ?? [];

  return (
    <>
      <div role="group" aria-label="Serial log" className={styles.bar}>
        <Select className={styles.source} size="small" aria-label="Show from" value={chosen} onChange={(_e, data) => setChosen(data.value)}>
          <option value="tail">Latest {bytesText(TAIL)}</option>
          {boots.toReversed().map((boot, i) => (
            <option key={boot.bootId} value={boot.offset}>
              {i === 0 ? "Last boot" : "Boot"}
              {boot.time !== undefined && `, ${timeText(new Date(boot.time), new Date())}`}
              {boot.cause !== undefined && ` (${CAUSES[boot.cause] ?? boot.cause})`}
            </option>
          ))}
        </Select>
        <ToggleButton size="small" checked={following} icon={following ? <PauseRegular /> : <PlayRegular />} onClick={() => setFollowing(!following)}>
          {following ? "Following" : "Follow"}
        </ToggleButton>
        <Input
          className={styles.search}
          size="small"
          aria-label="Search in the log"
          placeholder="Search"
          contentBefore={<SearchRegular />}
          value={needle}
          onChange={(_e, data) => {
            setNeedle(data.value);
            setPick(-1);
            setFollowing(data.value === "");
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
            if (event.key === "Escape") setNeedle("");
          }}
        />
        <Tooltip content="Previous match (Shift+Enter)" relationship="label">
          <Button size="small" appearance="subtle" icon={<ArrowUpRegular />} disabledFocusable={at === null} onClick={() => go(-1)} />
        </Tooltip>
        <Tooltip content="Next match (Enter)" relationship="label">
          <Button size="small" appearance="subtle" icon={<ArrowDownRegular />} disabledFocusable={at === null} onClick={() => go(1)} />
        </Tooltip>
        <span className={styles.hits} role="status">
          {needle !== "" && (at === null ? "no match" : `${at + 1} of ${hits.length}`)}
        </span>
        <Button className={styles.grow} size="small" appearance="subtle" icon={<ArrowDownloadRegular />} disabledFocusable={download.isPending} onClick={() => download.mutate()}>
          {download.isPending ? "Preparing …" : "Download whole log"}
        </Button>
      </div>
      {download.isError && <Problem error={download.error} onRetry={() => download.mutate()} />}
      <PhaseNote phase={stream.phase} onRetry={stream.restart} off={!diagnosticsOn(vm)} />
      {stream.phase.is === "connecting" && stream.log.bytes === 0 ? (
        <Spinner label="Opening the log" style={{ marginTop: 48 }} />
      ) : stream.phase.is === "live" && stream.log.bytes === 0 ? (
        <Explained
          intent="info"
          explanation={{
            title: "Nothing has been printed yet",
            detail: powerOf(vm) === "running"
              ? "The guest has printed nothing on its first serial port since capture began. Lines appear here as they come."
              : "This machine has not run since capture began. Start it: lines appear here as they come.",
          }}
        />
      ) : null}
      {(stream.log.bytes > 0 || stream.phase.is === "live") && (
        <LogView log={stream.log} label={`Serial log of ${vm.name}`} following={following} onFollow={setFollowing} needle={needle.trim()} current={at === null ? null : (hits[at] ?? null)} />
      )}
      <Foot live={stream.phase.is === "live"} lines={stream.log.lines.length} dropped={stream.log.first} start={stream.start} about={about.data} />
    </>
  );
}

function PhaseNote({ phase, onRetry, off }: { readonly phase: LogPhase; readonly onRetry: () => void; readonly off: boolean }) {
  if (phase.is === "lost") {
    return <Explained intent="warning" explanation={{ title: "The live end is lost", detail: `${phase.why} Trying again …` }} />;
  }
  if (phase.is !== "failed") return null;
  if (isDiagnosticsOff(phase.error)) return off ? null : <DiagnosticsOff />;
  return <Problem error={phase.error} onRetry={onRetry} />;
}

function Foot({
  live, lines, dropped, start, about,
}: {
  readonly live: boolean;
  readonly lines: number;
  readonly dropped: number;
  readonly start: number | null;
  readonly about: SerialLog | undefined;
}) {
  const styles = useStyles();
  const gaps = about?.properties.gaps ?? [];
  const missing = gaps.reduce((sum, gap) => sum + (gap.length ?? 0), 0);
  const unknown = gaps.some((gap) => gap.length === null);
  return (
    <div className={styles.foot}>
      <span role="status">{live ? "Live" : "Not live"}</span>
      <span>{lines.toLocaleString()} lines here</span>
      {dropped > 0 && <span>{dropped.toLocaleString()} older lines left the page; the log has them</span>}
      {start !== null && <span>from byte {start.toLocaleString()}</span>}
      {about !== undefined && <span>{bytesText(about.properties.end - about.properties.start)} kept</span>}
      {gaps.length > 0 && (
        <span className={styles.gaps} title={gaps.map((g) => `at byte ${g.start}: ${g.length ?? "unknown"} bytes, ${gapText(g.reason)}`).join("\n")}>
          {gaps.length === 1 ? "1 gap" : `${gaps.length} gaps`}: {missing > 0 && `${missing.toLocaleString()} bytes missing`}
          {unknown && (missing > 0 ? " and more of unknown length" : "length unknown")} ({[...new Set(gaps.map((g) => gapText(g.reason)))].join("; ")})
        </span>
      )}
    </div>
  );
}
