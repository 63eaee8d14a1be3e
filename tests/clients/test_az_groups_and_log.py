"""Resource groups, the activity log and plain REST with `az`."""

OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def test_a_group_comes_and_goes(az, dev):
    made = az("group", "create", "-n", "azmade", "-l", dev["LOCATION"], "--tags", "a=b")
    assert (made["name"], made["tags"], made["properties"]["provisioningState"]) == ("azmade", {"a": "b"}, "Succeeded")
    assert az("group", "exists", "-n", "azmade") is True
    assert az("group", "show", "-n", "AZMADE")["id"] == made["id"]
    done = az.run("group", "delete", "-n", "azmade", "--yes")
    assert done.code == 0, done
    assert az("group", "exists", "-n", "azmade") is False


def test_the_activity_log_tells_what_was_done(az, dev):
    az("group", "create", "-n", "azlogged", "-l", dev["LOCATION"])
    events = az("monitor", "activity-log", "list", "--offset", "4h", "-g", "azlogged")
    names = {event["operationName"]["value"] for event in events}
    assert "Microsoft.Resources/subscriptions/resourceGroups/write" in names
    # A program's caller is its object id; the claims say which program it is.
    assert {event["claims"]["appid"] for event in events} == {dev["CLIENT_ID"]}
    assert {event["caller"] for event in events} == {events[0]["claims"][OBJECT_ID]}
    times = [event["eventTimestamp"] for event in events]
    assert times == sorted(times, reverse=True)


def test_rest(az, dev):
    answer = az("rest", "--url", "/subscriptions/{subscriptionId}/resourceGroups?api-version=2024-11-01")
    assert dev["RESOURCE_GROUP"] in [group["name"] for group in answer["value"]]
