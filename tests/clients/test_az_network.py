"""Networks with `az`: documents that name each other, and a machine that has an interface. Nothing of it reaches a guest."""

import pytest

GROUP = "aznetwork"


@pytest.fixture(scope="module")
def net(az, dev):
    """A network with a subnet, in a group of its own."""
    az("group", "create", "-n", GROUP, "-l", dev["LOCATION"])
    made = az(
        "network", "vnet", "create", "-g", GROUP, "-n", "net", "--address-prefixes", "10.7.0.0/16",
        "--subnet-name", "front", "--subnet-prefixes", "10.7.0.0/24", "--tags", "team=a",
    )
    return made["newVNet"]


def test_a_network_and_its_subnets(az, net):
    assert net["provisioningState"] == "Succeeded"
    assert [subnet["name"] for subnet in net["subnets"]] == ["front"]
    table = az("network", "route-table", "create", "-g", GROUP, "-n", "ways")
    az(
        "network", "route-table", "route", "create", "-g", GROUP, "--route-table-name", "ways", "-n", "out",
        "--address-prefix", "0.0.0.0/0", "--next-hop-type", "Internet",
    )
    subnet = az(
        "network", "vnet", "subnet", "create", "-g", GROUP, "--vnet-name", "net", "-n", "back",
        "--address-prefixes", "10.7.1.0/24", "--route-table", "ways",
    )
    assert subnet["routeTable"]["id"] == table["id"]
    az.fails(
        1, "NetcfgSubnetRangesOverlap", "network", "vnet", "subnet", "create", "-g", GROUP, "--vnet-name", "net",
        "-n", "third", "--address-prefixes", "10.7.1.0/25",
    )
    az.fails(1, "InUseRouteTableCannotBeDeleted", "network", "route-table", "delete", "-g", GROUP, "-n", "ways")
    assert [each["name"] for each in az("network", "vnet", "list", "-g", GROUP)] == ["net"]
    assert az("network", "route-table", "show", "-g", GROUP, "-n", "ways")["routes"][0]["nextHopType"] == "Internet"
    az("network", "vnet", "subnet", "delete", "-g", GROUP, "--vnet-name", "net", "-n", "back")
    assert az("network", "vnet", "subnet", "list", "-g", GROUP, "--vnet-name", "net")[0]["addressPrefix"] == "10.7.0.0/24"
    az("network", "route-table", "delete", "-g", GROUP, "-n", "ways")
    az.fails(3, "ResourceNotFound", "network", "route-table", "show", "-g", GROUP, "-n", "ways")


def test_a_security_group_and_its_rules(az, net):
    az("network", "nsg", "create", "-g", GROUP, "-n", "guard")
    rule = ["network", "nsg", "rule", "create", "-g", GROUP, "--nsg-name", "guard", "--priority", "100"]
    made = az(*rule, "-n", "ssh", "--destination-port-ranges", "22", "--protocol", "Tcp", "--access", "Allow")
    assert (made["priority"], made["direction"], made["destinationPortRange"]) == (100, "Inbound", "22")
    az.fails(1, "SecurityRuleConflict", *rule, "-n", "twin", "--destination-port-ranges", "80")
    lines = az.table("network", "nsg", "rule", "list", "-g", GROUP, "--nsg-name", "guard", "--include-default")
    assert [line.split()[0] for line in lines[2:]] == [
        "ssh", "AllowVnetInBound", "AllowAzureLoadBalancerInBound", "DenyAllInBound", "AllowVnetOutBound",
        "AllowInternetOutBound", "DenyAllOutBound",
    ]
    az("network", "nsg", "rule", "delete", "-g", GROUP, "--nsg-name", "guard", "-n", "ssh")
    assert az("network", "nsg", "show", "-g", GROUP, "-n", "guard")["securityRules"] == []


def test_a_machine_has_an_interface_with_its_addresses(az, net, dev, vm):
    address = az("network", "public-ip", "create", "-g", GROUP, "-n", "ip", "--sku", "Standard", "--dns-name", "web")
    # No address is made up.
    assert "ipAddress" not in address["publicIp"]
    nic = az(
        "network", "nic", "create", "-g", GROUP, "-n", "nic", "--vnet-name", "net", "--subnet", "front",
        "--public-ip-address", "ip",
    )["NewNIC"]
    assert nic["ipConfigurations"][0]["privateIPAddress"] == "10.7.0.4"
    az("vm", "nic", "add", "-g", dev["RESOURCE_GROUP"], "--vm-name", dev["VM"], "--nics", nic["id"])
    shown = az("network", "nic", "show", "-g", GROUP, "-n", "nic")
    assert shown["virtualMachine"]["id"].endswith(f"/virtualMachines/{dev['VM']}")

    listed = {each["name"]: each for each in az("vm", "list", "-d")}[dev["VM"]]
    assert (listed["privateIps"], listed["publicIps"], listed["fqdns"]) == ("10.7.0.4", "", "web.local.invalid")
    assert listed["macAddresses"] == nic["macAddress"]
    addresses = az.table("vm", "list-ip-addresses", *vm)
    assert addresses[-1].split() == [dev["VM"], "10.7.0.4"]

    az.fails(1, "NicInUse", "network", "nic", "delete", "-g", GROUP, "-n", "nic")
    az.fails(1, "PublicIPAddressCannotBeDeleted", "network", "public-ip", "delete", "-g", GROUP, "-n", "ip")
    az.fails(1, "InUseSubnetCannotBeDeleted", "network", "vnet", "delete", "-g", GROUP, "-n", "net")
    az.fails(1, "ResourceGroupDeletionBlocked", "group", "delete", "-n", GROUP, "--yes")
    az("vm", "nic", "remove", "-g", dev["RESOURCE_GROUP"], "--vm-name", dev["VM"], "--nics", nic["id"])
    assert "virtualMachine" not in az("network", "nic", "list", "-g", GROUP)[0]


def test_resources_of_every_type(az, net, dev):
    lines = az.table("resource", "list", "-g", GROUP)
    assert lines[0].split() == ["Name", "ResourceGroup", "Location", "Type", "Status"]
    assert ["net", GROUP, dev["LOCATION"], "Microsoft.Network/virtualNetworks", "Succeeded"] in [
        line.split() for line in lines[2:]
    ]
    assert [each["name"] for each in az("resource", "list", "--tag", "team=a")] == ["net"]
    assert az("provider", "register", "-n", "Microsoft.Network") is None
    az("group", "delete", "-n", GROUP, "--yes")
    assert az("resource", "list", "--resource-type", "Microsoft.Network/virtualNetworks") == []
