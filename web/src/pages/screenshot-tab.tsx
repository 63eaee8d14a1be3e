import { Button, makeStyles, Spinner, tokens, Toolbar } from "@fluentui/react-components";
import { ArrowClockwiseRegular, ArrowDownloadRegular } from "@fluentui/react-icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { operations } from "../api/operations";
import { resourcePath } from "../api/paths";
import { useAccess } from "../app/access";
import { Problem } from "../parts/problem";
import { ago, timeText, useNow } from "../parts/time";
import { downloadBlob, fileName, save } from "./download";
import { useVmContext } from "./vm-context";

const useStyles = makeStyles({
  bar: { padding: 0, gap: "4px", flexWrap: "wrap" },
  when: { color: tokens.colorNeutralForeground2, fontSize: "12px", marginLeft: "8px", fontVariantNumeric: "tabular-nums" },
  frame: {
    flexGrow: 1, minHeight: "200px", position: "relative", background: "#101214",
    border: `1px solid ${tokens.colorNeutralStroke1}`, borderRadius: "6px",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "1px" },
  },
  image: { position: "absolute", inset: "12px", width: "calc(100% - 24px)", height: "calc(100% - 24px)", objectFit: "contain", objectPosition: "top" },
});

export function ScreenshotTab() {
  const styles = useStyles();
  const { arm } = useAccess();
  const { vm, id } = useVmContext();
  const now = useNow();
  const query = useQuery({
    queryKey: ["screenshot", id.toLowerCase()],
    // On demand only: each one is an entry in the activity log.
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    refetchOnMount: "always",
    retry: false,
    queryFn: async ({ signal }) => {
      const at = resourcePath(id, operations.ScreenshotContent.type, "0");
      const response = await arm.response(operations.ScreenshotContent, at, { query: { format: "png" }, signal });
      return response.blob();
    },
  });
  const url = useObjectUrl(query.data);
  const bmp = useMutation({
    mutationFn: () => downloadBlob(arm, id, "consoleScreenshotBlobUri", fileName(vm.name, new Date(), "bmp")),
  });
  const taken = new Date(query.dataUpdatedAt);
  return (
    <>
      <Toolbar aria-label="Screenshot" className={styles.bar} size="small">
        <Button size="small" appearance="subtle" icon={<ArrowClockwiseRegular />} disabledFocusable={query.isFetching} onClick={() => void query.refetch()}>
          Refresh
        </Button>
        <Button size="small" appearance="subtle" icon={<ArrowDownloadRegular />} disabledFocusable={url === null} onClick={() => url !== null && save(url, fileName(vm.name, taken, "png"))}>
          Save PNG
        </Button>
        <Button size="small" appearance="subtle" icon={<ArrowDownloadRegular />} disabledFocusable={bmp.isPending} onClick={() => bmp.mutate()}>
          Download BMP
        </Button>
        <span className={styles.when} role="status">
          {query.isFetching ? "Taking a screenshot …" : query.data !== undefined && `Taken at ${timeText(taken, new Date(now))}`}
        </span>
        {query.data !== undefined && !query.isFetching && (
          <span className={styles.when} style={{ marginLeft: 0 }} aria-hidden="true">
            ({ago(now - query.dataUpdatedAt)} ago)
          </span>
        )}
      </Toolbar>
      {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
      {bmp.isError && <Problem error={bmp.error} onRetry={() => bmp.mutate()} />}
      {url !== null ? (
        <div className={styles.frame} tabIndex={0} role="region" aria-label="Screen of the machine">
          <img className={styles.image} src={url} alt={`The display of ${vm.name} at ${timeText(taken, new Date(now))}`} />
        </div>
      ) : (
        query.isFetching && <Spinner label="Taking a screenshot" style={{ marginTop: 48 }} />
      )}
    </>
  );
}

function useObjectUrl(blob: Blob | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (blob === undefined) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
