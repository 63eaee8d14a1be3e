//! Microsoft.Compute: what a location offers - images and sizes. Whoever may do anything in a subscription may see it.

use super::*;

pub(super) fn rows() -> Vec<Operation> {
    use OperationId::*;
    use Target::{Collection, Item, Verb};
    let get = |id, name, target, summary| Operation {
        requires: Require::Member(name),
        ..row(id, name, Method::GET, target, Audit::Refusals, summary)
    };
    const VERSIONS: &str = "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions";
    vec![
        get(
            ImagePublisherList,
            "Microsoft.Compute/locations/publishers/read",
            Collection("Microsoft.Compute/locations/publishers"),
            "List the publishers of images",
        ),
        get(
            ImageOfferList,
            "Microsoft.Compute/locations/publishers/artifacttypes/offers/read",
            Collection("Microsoft.Compute/locations/publishers/artifacttypes/offers"),
            "List a publisher's images: those that the hosts have",
        ),
        get(
            ImageSkuList,
            "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/read",
            Collection("Microsoft.Compute/locations/publishers/artifacttypes/offers/skus"),
            "List an image's kinds",
        ),
        Operation {
            requires: Require::Member(
                "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read",
            ),
            ..get(
                ImageVersionList,
                "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/list/read",
                Collection(VERSIONS),
                "List an image's versions",
            )
        },
        get(
            ImageVersionGet,
            "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read",
            Item(VERSIONS),
            "Get an image's version",
        ),
        get(
            VmSizeList,
            "Microsoft.Compute/locations/vmSizes/read",
            Collection("Microsoft.Compute/locations/vmSizes"),
            "List the sizes that a virtual machine may have",
        ),
        get(
            ComputeSkuList,
            "Microsoft.Compute/skus/read",
            Collection("Microsoft.Compute/skus"),
            "List the sizes as SKUs",
        ),
        Operation {
            requires: Require::Action("Microsoft.Compute/virtualMachines/vmSizes/read"),
            ..row(
                VmResizeOptionList,
                "Microsoft.Compute/virtualMachines/vmSizes/read",
                Method::GET,
                Verb("Microsoft.Compute/virtualMachines", "vmSizes"),
                Audit::Refusals,
                "List the sizes that a virtual machine can be given",
            )
        },
    ]
}
